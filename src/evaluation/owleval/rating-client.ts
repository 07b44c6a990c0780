import type { AnswerPosition, AnswerView, Judgement, QuestionView, RaterView } from "./rating-session.ts";

/**
 * The script of the rating page. The class is sent to the browser as its source text (`toString`), so it may use nothing from
 * outside of itself but types and browser globals.
 */
export class RatingPage {
  readonly #view: RaterView;
  #at = 0;
  #chosen = 0;
  /** Settles when all requests so far are done: they are sent one after the other. */
  #last: Promise<void> = Promise.resolve();
  /** Failed requests so far. Requests that were queued before a failure are dropped. */
  #failures = 0;
  /** Answers whose grades are on their way to the server's disk. */
  readonly #awaited = new Set<AnswerView>();
  /** Notes that are not on the server's disk yet. */
  readonly #drafts = new Map<string, string>();
  /** Keys pressed while something is taken back: only then is it known of which answer they speak. */
  #held: string[] | undefined;

  /** Asks for the rater's name where the address does not say it, then shows what there is to grade. */
  static async begin(): Promise<void> {
    const rater = new URL(location.href).searchParams.get("rater");
    if (rater === null) {
      RatingPage.#element("welcome", HTMLElement).hidden = false;
      const name = RatingPage.#element("name", HTMLInputElement);
      name.focus();
      RatingPage.#element("who", HTMLFormElement).addEventListener("submit", (event) => {
        event.preventDefault();
        location.search = new URLSearchParams({ rater: name.value }).toString();
      });
      return;
    }
    const response = await fetch(`/api/view?${new URLSearchParams({ rater })}`);
    if (response.ok) new RatingPage((await response.json()) as RaterView).#start();
    else RatingPage.#say(await response.text(), true);
  }

  private constructor(view: RaterView) {
    this.#view = view;
  }

  static #element<T extends HTMLElement>(id: string, kind: new () => T): T {
    const found = document.getElementById(id);
    if (found instanceof kind) return found;
    throw new Error(`the page has no ${id}`);
  }

  /** A new element that shows a text, which is never read as markup. */
  static #made<K extends keyof HTMLElementTagNameMap>(
    name: K,
    text = "",
    attributes: Record<string, string> = {},
  ): HTMLElementTagNameMap[K] {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  static #say(text: string, isWrong = false): void {
    const said = RatingPage.#element("said", HTMLElement);
    said.textContent = text;
    said.classList.toggle("wrong", isWrong);
  }

  /** Leaves whatever field has the focus, and lets keys scroll. */
  static #focusWork(): void {
    RatingPage.#element("work", HTMLElement).focus({ preventScroll: true });
  }

  /** Asks the server for something when all before it is done, unless something before it fails. */
  #ask(act: () => void | Promise<void>): void {
    const failures = this.#failures;
    this.#last = this.#last
      .then(() => (failures === this.#failures ? act() : undefined))
      .catch((error: unknown) => RatingPage.#say(String(error), true));
  }

  get #question(): QuestionView {
    return this.#view.questions[this.#at];
  }

  #start(): void {
    const { grades } = this.#view;
    for (const id of ["work", "moves", "bar"]) RatingPage.#element(id, HTMLElement).hidden = false;
    RatingPage.#element("grades", HTMLElement).replaceChildren(
      ...grades.flatMap(({ grade, means }) => [RatingPage.#made("dt", grade), RatingPage.#made("dd", means)]),
    );
    const onClick = (id: string, act: () => void): void =>
      RatingPage.#element(id, HTMLButtonElement).addEventListener("click", act);
    onClick("previous", () => this.#go(this.#at - 1));
    onClick("next", () => this.#go(this.#at + 1));
    onClick("open", () => this.#goToOpen());
    onClick("undo", () => this.#undo());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    this.#goToOpen();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof HTMLInputElement) {
      if (event.key === "Enter" || event.key === "Escape") RatingPage.#focusWork();
      return;
    }
    if (this.#held === undefined && this.#actOf(event.key) === undefined) return;
    event.preventDefault();
    // A key that is held down counts once: it must not grade every answer.
    if (!event.repeat) this.#press(event.key);
  }

  #press(key: string): void {
    const field = document.activeElement;
    if (this.#held !== undefined) this.#held.push(key);
    else if (!(field instanceof HTMLInputElement)) this.#actOf(key)?.();
    else if (key === "Enter") RatingPage.#focusWork();
    else if (key.length === 1) field.value += key;
  }

  /** The action of a key. */
  #actOf(pressed: string): (() => void) | undefined {
    const key = pressed.toLowerCase();
    const grade = this.#view.grades.find((one) => one.grade.toLowerCase() === key)?.grade;
    if (grade !== undefined) return () => this.#judge(this.#chosen, { grade });
    if (/^[1-9]$/.test(key)) return () => this.#choose(Number(key) - 1);
    const acts: Record<string, () => void> = {
      j: () => this.#go(this.#at + 1),
      k: () => this.#go(this.#at - 1),
      o: () => this.#goToOpen(),
      u: () => this.#undo(),
      n: () => document.querySelector<HTMLInputElement>("[aria-current=true] input")?.focus(),
    };
    return acts[key];
  }

  /** Whether an answer has no grade, nor one on its way. */
  #isOpen(answer: AnswerView): boolean {
    return answer.grade === null && !this.#awaited.has(answer);
  }

  /** The next question from here on, and then from the beginning, with an answer that has no grade. */
  #goToOpen(): void {
    const { questions } = this.#view;
    const isOpen = ({ answers }: QuestionView): boolean => answers.some((answer) => this.#isOpen(answer));
    const after = questions.findIndex((question, i) => i >= this.#at && isOpen(question));
    const open = after < 0 ? questions.findIndex(isOpen) : after;
    this.#go(open < 0 ? this.#at : open);
    if (open < 0) this.#ask(() => RatingPage.#say("Everything is graded. Thank you!"));
  }

  #go(index: number): void {
    const { questions } = this.#view;
    this.#at = Math.max(0, Math.min(questions.length - 1, index));
    const { id, text, earlier, answers } = this.#question;
    const picture = RatingPage.#element("picture", HTMLImageElement);
    const source = `/pictures/${id}`;
    if (picture.getAttribute("src") !== source) picture.src = source;
    picture.alt = `The picture of question ${id}`;
    RatingPage.#element("place", HTMLElement).textContent =
      `Question ${id}, ${this.#at + 1} of ${questions.length}${earlier.length > 0 ? `, turn ${earlier.length + 1} of a conversation` : ""}`;
    RatingPage.#element("earlier", HTMLElement).replaceChildren(
      ...earlier.map((asked) => RatingPage.#made("li", asked)),
    );
    RatingPage.#element("question", HTMLElement).textContent = text;
    RatingPage.#element("answers", HTMLElement).replaceChildren(
      ...answers.map((answer, place) => this.#article(answer, place)),
    );
    RatingPage.#say("");
    this.#refresh();
    this.#choose(
      Math.max(
        0,
        answers.findIndex((answer) => this.#isOpen(answer)),
      ),
    );
    RatingPage.#focusWork();
    RatingPage.#element("work", HTMLElement).scrollTo(0, 0);
  }

  #article(answer: AnswerView, place: number): HTMLElement {
    const article = RatingPage.#made("article", "", { "aria-label": `Answer ${place + 1}` });
    article.addEventListener("click", () => this.#choose(place));
    article.append(RatingPage.#made("h3", `Answer ${place + 1}`));
    if (answer.earlier.length > 0) article.append(this.#earlierTurns(answer));
    const isEmpty = answer.text.trim() === "";
    const shown = isEmpty ? "(an empty answer)" : answer.text;
    article.append(RatingPage.#made("p", shown, { class: isEmpty ? "text none" : "text" }));
    const row = RatingPage.#made("div", "", { class: "grading", role: "group", "aria-label": "Grade" });
    for (const { grade, means } of this.#view.grades) {
      const button = RatingPage.#made("button", grade, { type: "button", title: means, "data-grade": grade });
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        this.#judge(place, { grade });
      });
      row.append(button);
    }
    row.append(this.#noteField(answer, place));
    article.append(row);
    return article;
  }

  #earlierTurns({ earlier }: AnswerView): HTMLElement {
    const details = RatingPage.#made("details");
    details.append(RatingPage.#made("summary", "What it had answered before"));
    for (const [turn, text] of earlier.entries()) {
      details.append(RatingPage.#made("p", this.#question.earlier[turn]));
      details.append(RatingPage.#made("p", text, { class: "text" }));
    }
    return details;
  }

  #noteField(answer: AnswerView, place: number): HTMLInputElement {
    const field = RatingPage.#made("input", "", {
      placeholder: "note",
      "aria-label": `Note on answer ${place + 1}`,
    });
    const at = this.#at;
    const draft = (): string | undefined => this.#drafts.get(RatingPage.#spotName(at, place));
    field.value = draft() ?? answer.note;
    field.addEventListener("blur", () => {
      if (field.value !== (draft() ?? answer.note)) this.#judge(place, { note: field.value }, at);
    });
    return field;
  }

  #choose(place: number): void {
    const articles = [...document.querySelectorAll("article")];
    if (place < 0 || place >= articles.length) return;
    this.#chosen = place;
    for (const [i, article] of articles.entries()) article.setAttribute("aria-current", String(i === place));
    articles[place].scrollIntoView({ block: "nearest" });
  }

  /**
   * Sends a grade or a note of an answer, to the question on show if no other is said. It is shown as given when the server has it on its
   * disk; the next answer is chosen at once, so that whoever types fast need not wait.
   */
  #judge(place: number, said: Pick<Judgement, "grade" | "note">, at = this.#at): void {
    const { id, answers } = this.#view.questions[at];
    const judgement: Judgement = { rater: this.#view.rater, question: id, place, ...said };
    if (said.note !== undefined) this.#drafts.set(RatingPage.#spotName(at, place), said.note);
    this.#ask(async () => {
      const response = await this.#post("/api/judgement", judgement);
      if (response === undefined) this.#goBackTo(at, place);
      else this.#take(at, place, said);
    });
    if (said.grade === undefined) return;
    this.#awaited.add(answers[place]);
    const open = answers.findIndex((answer, i) => i > place && this.#isOpen(answer));
    const first = answers.findIndex((answer) => this.#isOpen(answer));
    if (first >= 0) this.#choose(open >= 0 ? open : first);
  }

  /** Shows the grades that are stored. */
  #take(at: number, place: number, said: Pick<Judgement, "grade" | "note">): void {
    const { id, answers } = this.#view.questions[at];
    Object.assign(answers[place], said);
    const where = at === this.#at ? `answer ${place + 1}` : `question ${id}, answer ${place + 1}`;
    if (said.grade === undefined) {
      const name = RatingPage.#spotName(at, place);
      if (this.#drafts.get(name) === said.note) this.#drafts.delete(name);
      RatingPage.#say(`${where}: note kept`);
      return;
    }
    this.#awaited.delete(answers[place]);
    this.#refresh();
    const isDone = answers.every(({ grade }) => grade !== null);
    const rest = isDone ? `. All answers to question ${id} are graded; j goes on.` : "";
    RatingPage.#say(`${where}: ${said.grade}${rest}`);
  }

  /** Goes back to the answer whose grade or note the server did not accept; later ones were not sent. */
  #goBackTo(at: number, place: number): void {
    const text = RatingPage.#element("said", HTMLElement).textContent;
    if (at === this.#at) this.#refresh();
    else this.#go(at);
    this.#choose(place);
    RatingPage.#say(text, true);
  }

  static #spotName(at: number, place: number): string {
    return `${at} ${place}`;
  }

  #undo(): void {
    if (this.#held !== undefined) {
      this.#held.push("u");
      return;
    }
    this.#held = [];
    this.#ask(async () => {
      let held: string[] = [];
      try {
        await this.#takeBack();
        held = this.#held ?? [];
      } finally {
        this.#held = undefined;
      }
      for (const key of held) this.#press(key);
    });
  }

  async #takeBack(): Promise<void> {
    const { rater } = this.#view;
    const response = await this.#post("/api/undo", { rater });
    if (response === undefined) return;
    const spot = (await response.json()) as AnswerPosition | null;
    if (spot === null) {
      RatingPage.#say("there is nothing to undo");
      return;
    }
    // What was said before the thing that was taken back is the server's to know.
    const view = await fetch(`/api/view?${new URLSearchParams({ rater })}`);
    Object.assign(this.#view, await view.json());
    this.#go(this.#view.questions.findIndex(({ id }) => id === spot.question));
    if (spot.place >= 0) this.#choose(spot.place);
    RatingPage.#say(spot.place >= 0 ? "taken back" : "taken back; it was about an answer that is not here");
  }

  async #post(path: string, content: object): Promise<Response | undefined> {
    const headers = { "Content-Type": "application/json" };
    try {
      const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(content) });
      if (response.ok) return response;
      RatingPage.#say(`not kept: ${await response.text()}`, true);
    } catch {
      RatingPage.#say("not kept: the server does not answer; start it again, then reload this page", true);
    }
    this.#failures += 1;
    this.#awaited.clear();
    this.#held = undefined;
    return undefined;
  }

  #refresh(): void {
    const { questions, rater } = this.#view;
    const all = questions.flatMap(({ answers }) => answers);
    const done = all.filter(({ grade }) => grade !== null).length;
    RatingPage.#element("progress", HTMLElement).textContent =
      `${rater}: ${done} of ${all.length} answers graded`;
    const bar = RatingPage.#element("bar", HTMLProgressElement);
    bar.max = all.length;
    bar.value = done;
    for (const [i, article] of [...document.querySelectorAll("article")].entries()) {
      for (const button of article.querySelectorAll<HTMLButtonElement>("[data-grade]")) {
        const isGiven = button.dataset.grade === this.#question.answers[i].grade;
        button.setAttribute("aria-pressed", String(isGiven));
      }
    }
  }
}
