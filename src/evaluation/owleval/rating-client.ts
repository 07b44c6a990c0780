import type { AnswerView, Judgement, QuestionView, RaterView, Spot } from "./rating-session.ts";

/**
 * What the page for grading does. The whole class is sent to the browser as its own source, so nothing outside of it
 * may be used but types and what browsers have.
 */
export class RatingPage {
  readonly #view: RaterView;
  #at = 0;
  #chosen = 0;
  /** The end of what was asked for so far. */
  #last: Promise<void> = Promise.resolve();

  /** Asks for the rater's name where the address does not say it, then shows what there is to grade. */
  static async begin(): Promise<void> {
    const rater = new URL(location.href).searchParams.get("rater");
    const form = RatingPage.#element("who", HTMLFormElement);
    if (rater === null) {
      form.hidden = false;
      const name = RatingPage.#element("name", HTMLInputElement);
      name.focus();
      form.addEventListener("submit", (event) => {
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

  /** One thing after the other: whoever types fast grades the answers in turn, not the first one again and again. */
  #then(act: () => void | Promise<void>): void {
    this.#last = this.#last.then(act).catch((error: unknown) => RatingPage.#say(String(error), true));
  }

  get #question(): QuestionView {
    return this.#view.questions[this.#at];
  }

  #start(): void {
    const { grades } = this.#view;
    RatingPage.#element("work", HTMLElement).hidden = false;
    RatingPage.#element("grades", HTMLElement).replaceChildren(
      ...grades.flatMap(({ grade, means }) => [RatingPage.#made("dt", grade), RatingPage.#made("dd", means)]),
    );
    const onClick = (id: string, act: () => void | Promise<void>): void =>
      RatingPage.#element(id, HTMLButtonElement).addEventListener("click", () => this.#then(act));
    onClick("previous", () => this.#go(this.#at - 1));
    onClick("next", () => this.#go(this.#at + 1));
    onClick("open", () => this.#goToOpen());
    onClick("undo", () => this.#undo());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    this.#goToOpen();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement) {
      if (event.key === "Enter" || event.key === "Escape") event.target.blur();
      return;
    }
    const act = this.#actOf(event.key.toLowerCase());
    if (act === undefined) return;
    event.preventDefault();
    this.#then(act);
  }

  /** What a key asks for. */
  #actOf(key: string): (() => void | Promise<void>) | undefined {
    const grade = this.#view.grades.find((one) => one.grade.toLowerCase() === key)?.grade;
    if (grade !== undefined) return () => this.#judge(this.#question, this.#chosen, { grade });
    if (/^[1-9]$/.test(key)) return () => this.#choose(Number(key) - 1);
    const acts: Record<string, () => void | Promise<void>> = {
      j: () => this.#go(this.#at + 1),
      k: () => this.#go(this.#at - 1),
      o: () => this.#goToOpen(),
      u: () => this.#undo(),
      n: () => document.querySelector<HTMLInputElement>("[aria-current=true] input")?.focus(),
    };
    return acts[key];
  }

  /** The next question from here on, and then from the beginning, with an answer that has no grade. */
  #goToOpen(): void {
    const { questions } = this.#view;
    const isOpen = ({ answers }: QuestionView): boolean => answers.some(({ grade }) => grade === null);
    const after = questions.findIndex((question, i) => i >= this.#at && isOpen(question));
    const open = after < 0 ? questions.findIndex(isOpen) : after;
    if (open < 0) RatingPage.#say("Everything is graded. Thank you!");
    this.#go(open < 0 ? this.#at : open);
  }

  #go(index: number): void {
    const { questions } = this.#view;
    this.#at = Math.max(0, Math.min(questions.length - 1, index));
    const { id, text, earlier, answers } = this.#question;
    const picture = RatingPage.#element("picture", HTMLImageElement);
    picture.src = `/pictures/${id}`;
    picture.alt = `The picture of question ${id}`;
    RatingPage.#element("place", HTMLElement).textContent =
      `Question ${id}, ${this.#at + 1} of ${questions.length}${earlier.length > 0 ? `, turn ${earlier.length + 1} of a conversation` : ""}`;
    RatingPage.#element("earlier", HTMLElement).replaceChildren(
      ...earlier.map((asked) => RatingPage.#made("li", asked)),
    );
    RatingPage.#element("question", HTMLElement).textContent = text;
    RatingPage.#element("answers", HTMLElement).replaceChildren(
      ...answers.map((_, place) => this.#article(this.#question, place)),
    );
    this.#refresh();
    this.#choose(
      Math.max(
        0,
        answers.findIndex(({ grade }) => grade === null),
      ),
    );
    window.scrollTo(0, 0);
  }

  #article(question: QuestionView, place: number): HTMLElement {
    const answer = question.answers[place];
    const article = RatingPage.#made("article", "", { "aria-label": `Answer ${place + 1}` });
    article.addEventListener("click", () => this.#then(() => this.#choose(place)));
    article.append(RatingPage.#made("h3", `Answer ${place + 1}`));
    if (answer.earlier.length > 0) article.append(this.#earlierTurns(answer));
    const isEmpty = answer.text.trim() === "";
    const shown = isEmpty ? "(an empty answer)" : answer.text;
    article.append(RatingPage.#made("p", shown, { class: isEmpty ? "text none" : "text" }));
    const row = RatingPage.#made("div", "", { class: "grading", role: "group", "aria-label": "Grade" });
    for (const { grade, means } of this.#view.grades) {
      const button = RatingPage.#made("button", grade, { type: "button", title: means, "data-grade": grade });
      button.addEventListener("click", () => this.#then(() => this.#judge(question, place, { grade })));
      row.append(button);
    }
    row.append(this.#noteField(question, place));
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

  #noteField(question: QuestionView, place: number): HTMLInputElement {
    const field = RatingPage.#made("input", "", {
      placeholder: "note",
      "aria-label": `Note on answer ${place + 1}`,
    });
    field.value = question.answers[place].note;
    field.addEventListener("change", () =>
      this.#then(() => this.#judge(question, place, { note: field.value })),
    );
    return field;
  }

  #choose(place: number): void {
    const articles = [...document.querySelectorAll("article")];
    if (place < 0 || place >= articles.length) return;
    this.#chosen = place;
    for (const [i, article] of articles.entries()) article.setAttribute("aria-current", String(i === place));
    articles[place].scrollIntoView({ block: "nearest" });
  }

  /** Sends a grade or a note; it is shown as given when the server has it on its disk. */
  async #judge(
    question: QuestionView,
    place: number,
    said: Pick<Judgement, "grade" | "note">,
  ): Promise<void> {
    const judgement: Judgement = { rater: this.#view.rater, question: question.id, place, ...said };
    const response = await this.#post("/api/judgement", judgement);
    if (response === undefined) return;
    Object.assign(question.answers[place], said);
    if (question !== this.#question) return;
    this.#refresh();
    RatingPage.#say(said.grade === undefined ? "note kept" : `answer ${place + 1}: ${said.grade}`);
    if (said.grade === undefined) return;
    const open = question.answers.findIndex(({ grade }, i) => i > place && grade === null);
    const first = question.answers.findIndex(({ grade }) => grade === null);
    if (first >= 0) this.#choose(open >= 0 ? open : first);
    else
      RatingPage.#say(
        `answer ${place + 1}: ${said.grade}. All answers to this question are graded; j goes on.`,
      );
  }

  async #undo(): Promise<void> {
    const response = await this.#post("/api/undo", { rater: this.#view.rater });
    if (response === undefined) return;
    const spot = (await response.json()) as Spot | null;
    if (spot === null) {
      RatingPage.#say("there is nothing to undo");
      return;
    }
    // What was said before the thing that was taken back is the server's to know.
    const view = await fetch(`/api/view?${new URLSearchParams({ rater: this.#view.rater })}`);
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
