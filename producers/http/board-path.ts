/** Where Bull Board is; apart from the board, so that to name the place does not load it. */
export const boardPath = "/board";
