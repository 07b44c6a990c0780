import type { Command } from "commander";

/** What a command's module exports. */
export interface CommandModule {
  /** Gives the command its arguments, options, texts of help and action. */
  readonly define: (command: Command) => void;
  /** Commands below it. */
  readonly commands?: readonly CommandRow[];
}

/** A command as lists of commands show it. Its module is loaded when the command line names it, so that help and version load no model. */
export interface CommandRow {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}
