/** The OpenAPI document as a page of its own: no script, nothing from elsewhere. Pure. */
import type { Body, OpenapiDocument, Operation, Parameter } from "./document.ts";

export function referencePage({ paths, tags, components }: OpenapiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const groups = tags.map(({ name }) => ({
    name,
    operations: operations.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const links = groups.map(({ name, operations }) => `<li>${escaped(name)}<ul>${operations.map(linkTo).join("")}</ul>`);
  const sections = groups.map(
    ({ name, operations }) => `<h2>${escaped(name)}</h2>${operations.map(operationHtml).join("")}`,
  );
  const schemas = Object.entries(components.schemas).map(([name, schema]) =>
    schemaHtml(name, schema, ` id="${escaped(name)}"`),
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace: reference</title><style>${pageStyle}</style>
<nav><a href="#top">Millrace</a><ul>${links.join("")}<li><a href="#schemas">Schemas</a></ul></nav>
<main id="top"><h1>Reference</h1><p>Made from what this server answers; the same for programs is <a href="/openapi.json">/openapi.json</a>.
${sections.join("")}<h2 id="schemas">Schemas</h2>${schemas.join("")}</main></html>
`;
}

interface Placed {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

const linkTo = ({ path, method, operation }: Placed): string =>
  `<li><a href="#${operation.operationId}"><b>${method.toUpperCase()}</b> ${escaped(path)}</a>`;

function operationHtml({ path, method, operation }: Placed): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const answers = Object.entries(responses).map(([status, body]) => bodyHtml(status, body));
  return `<section id="${operationId}"><h3><b>${method.toUpperCase()}</b> <code>${escaped(path)}</code></h3>
<p>${escaped(summary)}.${description === undefined ? "" : ` ${escaped(description)}`}
${parameters.length === 0 ? "" : `<table><tbody>${parameters.map(parameterHtml).join("")}</table>`}
${requestBody === undefined ? "" : bodyHtml("body", requestBody)}${answers.join("")}</section>`;
}

const parameterHtml = ({ name, in: place, required, description, schema }: Parameter): string =>
  `<tr><td><code>${escaped(name)}</code><td>${place}${required ? ", required" : ""}<td>${
    description === undefined ? `<code>${escaped(JSON.stringify(schema))}</code>` : escaped(description)
  }`;

function bodyHtml(name: string, { description, content = {} }: Body): string {
  const schemas = Object.entries(content).map(([type, { schema }]) =>
    schema === undefined ? `<p><code>${escaped(type)}</code>` : schemaHtml(type, schema),
  );
  return `<div><p><b>${escaped(name)}</b> ${escaped(description)}${schemas.join("")}</div>`;
}

const schemaHtml = (name: string, schema: unknown, mark = ""): string =>
  `<details${mark}><summary><code>${escaped(name)}</code></summary><pre>${linked(JSON.stringify(schema, null, 2))}</pre></details>`;

/** References lead to the schema they name. */
const linked = (json: string): string =>
  escaped(json).replaceAll(/#\/components\/schemas\/(\w+)/g, '<a href="#$1">$1</a>');

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (letter) => escapes[letter] ?? letter);

export const pageStyle = `
:root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; accent-color: #2a78d6 }
body { margin: 0; display: grid; grid-template-columns: minmax(0, 20rem) minmax(0, 1fr) }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; box-sizing: border-box; padding: 1.5rem; border-right: 1px solid #8884; font-size: .85rem }
nav ul { list-style: none; padding: 0 } nav li { margin: .25rem 0 } nav ul ul { padding-left: .75rem; margin-bottom: 1rem }
nav a { color: inherit; text-decoration: none; overflow-wrap: anywhere } nav a:hover { text-decoration: underline }
main { max-width: 56rem; padding: 1rem 2.5rem 6rem; box-sizing: border-box; width: 100% }
h2 { margin-top: 3rem; border-bottom: 1px solid #8884 } h3 { font-weight: 400; overflow-wrap: anywhere }
h3 b, nav b { font-size: .75em; letter-spacing: .04em; opacity: .75 }
section { margin: 2rem 0; padding: .25rem 1.25rem 1.25rem; border: 1px solid #8884; border-radius: .75rem }
table { border-collapse: collapse; width: 100%; font-size: .9rem } td { padding: .35rem .75rem .35rem 0; border-top: 1px solid #8884; vertical-align: top; overflow-wrap: anywhere }
code, pre { font: .85em/1.5 ui-monospace, monospace } pre { overflow: auto; padding: 1rem; background: #8881; border-radius: .5rem; max-height: 30rem }
section p { margin: .5rem 0 } section div { border-top: 1px solid #8882 } details { margin: .4rem 0 } summary { cursor: pointer }
@media (max-width: 60rem) { body { display: block } nav { position: static; height: auto; border: 0; max-height: 14rem } main { padding: 1rem } }
`;
