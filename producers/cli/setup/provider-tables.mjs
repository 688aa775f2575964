/** The tables of docs/providers.md. Pure. */

/** What is claimed of a provider, and the tests that are about it, by their names. */
const capabilities = [
  ["whole", /answers? whole|whole answer/i],
  ["streamed", /stream/i],
  ["tools", /tool/i],
  ["JSON", /JSON (?:that fits|object)|JSON Schema|response.?format|as JSON/i],
  ["media", /image|audio|video|pdf|document|picture/i],
  ["thoughts", /reason(?:ing|s aloud)|think|thought/i],
  ["cache", /cache/i],
  ["vectors", /embed|vector/i],
  ["sound", /transcri|speech|sound/i],
  ["usage", /usage|tokens|counts/i],
  ["faults", /fail|refus|broken|breaks|error|malformed|reset|HTML/i],
  ["stopped", /stops? .*within|hangs up|abort/i],
];

/** `abilities` and `media`: what a model may be able to and may take, in the words of its entry. */
export const providerTables = (providers, entries, { abilities, media }, tests) =>
  [
    "## What there is",
    table(
      ["provider", "operations", "credential", "address", "further settings"],
      providers.map(({ id, operations, environment }) => [
        `\`${id}\``,
        operations.join(", "),
        names(environment.apiKey),
        names(environment.baseUrl),
        names(Object.values(environment.more ?? {}).flat()),
      ]),
    ),
    "## What models known by name can",
    "`3/5`: three of five; `?`: nothing is said of any. Any other model passes, with a warning.",
    table(
      ["provider", "models", ...abilities, ...media],
      providers.map(({ id }) =>
        modelRow(
          id,
          entries.find((entry) => entry.id === id),
          { abilities, media },
        ),
      ),
    ),
    "## Proven against what",
    `S: Millrace's own simulator. A: [aimock](https://www.npmjs.com/package/@copilotkit/aimock), a simulator by other people. W: a server of
our own hand that sends recorded and odd bytes. A letter stands where such a server judges at least one test of that name in
\`test/conformance\` or \`test/unit/provider\`; skipped tests do not count.`,
    table(
      ["provider", ...capabilities.map(([name]) => name)],
      providers.map(({ id }) => proofRow(id, tests)),
    ),
  ].join("\n\n");

const names = (list) => (list.length === 0 ? "–" : list.map((name) => `\`${name}\``).join(", "));

const modelRow = (id, entry, { abilities, media }) => {
  const models = Object.values(entry?.models ?? {}).filter(({ operation = "chat" }) => operation === "chat");
  const all = Object.keys(entry?.models ?? {}).length;
  const cell = (field) => (word) => {
    const said = models.filter((model) => model[field] !== undefined);
    if (said.length === 0) return "?";
    const able = said.filter((model) => model[field].includes(word)).length;
    if (able === 0) return "–";
    return able === said.length ? "yes" : `${able}/${said.length}`;
  };
  return [`\`${id}\``, String(all), ...abilities.map(cell("abilities")), ...media.map(cell("accepts"))];
};

const proofRow = (id, tests) => {
  const own = tests.filter((test) => isAbout(id, test)).map((test) => ({ name: test.name, judge: judgeOf(test.name) }));
  return [
    `\`${id}\``,
    ...capabilities.map(([, words]) => {
      const judges = new Set(own.filter(({ name }) => words.test(name)).map(({ judge }) => judge));
      return ["S", "A", "W"].filter((judge) => judges.has(judge)).join(" ") || "–";
    }),
  ];
};

/** Its id stands in the title of the group, or begins the name of the file. */
const isAbout = (id, { name, file }) => {
  const [group = ""] = name.split(" > ");
  const words = group.split(/[^\w-]+/);
  const [, fileName = ""] = /([^/\\]+)\.test\.ts$/.exec(file) ?? [];
  return (
    words.includes(id) ||
    fileName === id ||
    (fileName.startsWith(`${id}-`) && !words.some((word) => word.startsWith(`${id}-`)))
  );
};

const judgeOf = (name) => {
  const [, judge] = /, judged by ([^>]+?)(?: >|$)/.exec(name) ?? [];
  if (judge === undefined) return "W";
  if (/simulator/.test(judge)) return "S";
  return /aimock/.test(judge) ? "A" : "W";
};

const table = (titles, rows) =>
  [titles, titles.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
