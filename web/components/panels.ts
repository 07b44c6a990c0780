import type { LucideIcon } from "@lucide/svelte";
import CircleQuestionMark from "@lucide/svelte/icons/circle-question-mark";
import SlidersHorizontal from "@lucide/svelte/icons/sliders-horizontal";
import type { Component } from "svelte";
import type { Command, PanelName } from "../chat/shortcuts.ts";
import HelpDialog from "./HelpDialog.svelte";
import SettingsDialog from "./SettingsDialog.svelte";

export interface Panel {
  /** The name of its button in the top bar. */
  readonly label: string;
  readonly icon: LucideIcon;
  readonly dialog: Component<{ onclose: () => void }>;
}

/** The dialogs that the top bar opens, in the order of their buttons. */
export const panels: Readonly<Record<PanelName, Panel>> = {
  help: { label: "Help", icon: CircleQuestionMark, dialog: HelpDialog },
  settings: { label: "Settings", icon: SlidersHorizontal, dialog: SettingsDialog },
};

export const isPanel = (command: Command): command is PanelName => command in panels;
