import type { ChatBackend, ChatSettings, ModelInfo } from "../backends/backend.ts";
import { type BackendName, backends } from "../backends/backends.ts";
import {
  loadPreferences,
  onPreferences,
  type Preferences,
  savePreferences,
  type Theme,
} from "../storage/preferences.ts";
import { errorMessage } from "./answering.ts";
import { notices } from "./notices.svelte.ts";

const millisecondsBetweenTries = 4000;

/** The user's preferences and the backend that they choose, with its models. Shared by the whole page. */
class Choices {
  preferences = $state.raw<Preferences>(loadPreferences());
  models = $state.raw<readonly ModelInfo[]>([]);
  /** Why there are no models, in words. */
  problem = $state<string | undefined>();
  isConnecting = $state(true);
  /** Who answers; undefined also while that is changing, so that nothing goes to the one before. */
  backend = $state.raw<ChatBackend | undefined>();
  #connection: Promise<void> = Promise.resolve();

  get settings(): ChatSettings {
    return this.preferences.settings;
  }

  set settings(settings: ChatSettings) {
    this.#keep({ settings });
  }

  set theme(theme: Theme) {
    this.#keep({ theme });
  }

  /** The model that is asked. */
  readonly model = $derived(this.models.find(({ id }) => id === this.settings.model));

  /** Follows preferences that another tab changes, and tries to reconnect to a server that was lost. */
  watch(): () => void {
    const forget = onPreferences((preferences) => {
      const isOther = preferences.backend !== this.preferences.backend;
      this.preferences = preferences;
      if (isOther) void this.connect();
    });
    const timer = setInterval(() => void this.#reconnect(), millisecondsBetweenTries);
    return () => {
      forget();
      clearInterval(timer);
    };
  }

  /** The server cannot be reached any more. */
  disconnected(problem: string): void {
    if (this.preferences.backend !== "server") return;
    this.models = [];
    this.problem = problem;
  }

  async #reconnect(): Promise<void> {
    const { backend } = this;
    if (this.problem === undefined || this.isConnecting || backend === undefined || document.hidden) return;
    const models = await backend.models().catch(() => []);
    if (models.length === 0 || backend !== this.backend || this.problem === undefined) return;
    await this.connect();
    if (this.problem === undefined) notices.info("The server is there again.");
  }

  /** Changes who answers, and asks for the models. */
  async choose(backend: BackendName): Promise<void> {
    this.#keep({ backend });
    await this.connect();
  }

  /** Makes the chosen backend and asks it for its models; one after the other where it is called again meanwhile. */
  connect(): Promise<void> {
    this.isConnecting = true;
    const connection = this.#connection.then(() => this.#connect());
    this.#connection = connection;
    return connection;
  }

  /** Resolves when no change of who answers is under way. */
  async connected(): Promise<void> {
    for (let seen: unknown; seen !== this.#connection; ) {
      seen = this.#connection;
      await this.#connection;
    }
  }

  async #connect(): Promise<void> {
    this.isConnecting = true;
    try {
      const { backend } = this.preferences;
      const name: BackendName = backends[backend] === undefined ? "server" : backend;
      try {
        await this.#take(name);
      } catch (error) {
        // A page of plain files has no server, but perhaps models beside it.
        if (name === "browser" || !(await this.#tryBrowser())) throw error;
      }
      this.problem = this.models.length === 0 ? "There is no model to talk with." : undefined;
      const { model } = this.settings;
      if (this.models.length > 0 && !this.models.some(({ id }) => id === model)) {
        this.settings = { ...this.settings, model: this.models[0].id };
      }
    } catch (error) {
      this.models = [];
      this.problem = errorMessage(error);
    } finally {
      this.isConnecting = false;
    }
  }

  async #take(name: BackendName): Promise<void> {
    const before = this.backend;
    this.backend = undefined;
    before?.close?.();
    this.backend = await backends[name]?.((words) => notices.problem(words));
    this.models = (await this.backend?.models()) ?? [];
  }

  async #tryBrowser(): Promise<boolean> {
    const { backend } = this;
    try {
      await this.#take("browser");
      this.#keep({ backend: "browser" });
      return true;
    } catch {
      this.backend = backend;
      return false;
    }
  }

  #keep(fields: Partial<Preferences>): void {
    this.preferences = { ...this.preferences, ...fields };
    savePreferences(this.preferences);
  }
}

export const choices = new Choices();
