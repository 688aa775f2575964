/** Named classes and their BullMQ priority: 1 goes first. Never 0: BullMQ serves un-prioritised jobs before all others. */
export const priorities = { interactive: 1, standard: 2, bulk: 3 } as const;

export type Priority = keyof typeof priorities;
export type PriorityNumber = (typeof priorities)[Priority];

export const priorityNames = ["interactive", "standard", "bulk"] as const satisfies readonly Priority[];

/** The class of a stored number; numbers come from our own column, checked by the database. */
export const priorityName = (value: number): Priority =>
  priorityNames.find((name) => priorities[name] === value) ?? "standard";
