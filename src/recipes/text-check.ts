import {
  encodePair,
  encodeText,
  LengthCounts,
  nameOf,
  type Row,
  type RowContent,
  RowLengths,
  rowPlaces,
} from "../data/index.ts";
import { defaultFrames, pictureSize } from "../image/index.ts";
import {
  PromptError,
  type PromptTemplate,
  promptTemplate,
  publishedTemplate,
  type RowText,
  requireConversation,
  textsOf,
  withLineFeeds,
} from "../prompt/index.ts";
import { pictureReading, type TextModel, textOptions } from "./batches.ts";
import { RowWriting } from "./row-writing.ts";
import { withSystem } from "./template.ts";

/** How the texts of rows are checked. */
export interface TextSettings {
  /** Without one nothing is known of tokens. */
  readonly model?: TextModel | undefined;
  /** Longest row in tokens. */
  readonly maxTokens: number;
  /** The system prompt that conversations without one get. */
  readonly system?: string | undefined;
  /** Frames that are seen of a video; 4 if absent. */
  readonly framesPerVideo?: number | undefined;
  /** Whether rows are pairs of answers, or must not be; either if absent. */
  readonly learnsPairs?: boolean | undefined;
}

/** A row's text, completed, and what is known of it. */
interface CheckedText {
  readonly text: RowText;
  readonly name: string;
  readonly content: RowContent;
  readonly places: RowPlaces;
}

/** What a row's pictures and videos are in its text. */
export type RowPlaces = ReturnType<typeof rowPlaces>;

/** Checks the texts of a file's rows one by one, and gathers what becomes of them. */
export class TextCheck {
  readonly writing: RowWriting;
  /** Tokens of the rows, those of their pictures with them. */
  readonly tokens = new LengthCounts();
  /** Of each good row, in their order. */
  readonly lengths = new RowLengths();
  /** Tokens of the rows that are learned. */
  readonly learned = new LengthCounts();
  /** Characters of the rows' texts. */
  readonly characters = new LengthCounts();
  /** Conversations that are too long and lose their oldest turns. */
  shortened = 0;
  /** Rows that lose their end. */
  cut = 0;
  readonly #file: string;
  readonly #settings: TextSettings;
  readonly #template: PromptTemplate;

  constructor(file: string, settings: TextSettings) {
    this.#file = file;
    this.#settings = settings;
    this.#template =
      settings.model === undefined ? publishedTemplate : promptTemplate(settings.model.tokenizer);
    this.writing = new RowWriting(this.#template);
  }

  /** A text with the recipe's system prompt in front, where it is a conversation that has none. */
  completed(text: RowText, content: RowContent): RowText {
    return content === "conversation" ? withSystem(text, this.#settings.system, this.#template) : text;
  }

  /** What a row's pictures and videos are in its text; of a picture's file at most the size is looked at. */
  async placesOf({ images, videos }: Pick<Row, "images" | "videos">): Promise<RowPlaces> {
    const { model, framesPerVideo = defaultFrames } = this.#settings;
    if (model === undefined) return {};
    const reading = pictureReading(model);
    const { preprocessor } = reading;
    const isSized = preprocessor?.grids !== undefined || preprocessor?.cuts;
    const sizes = isSized ? await Promise.allSettled(images.map(pictureSize)) : [];
    // What is wrong with a file is told where files are checked.
    const known = images.map((_, i) => (sizes[i]?.status === "fulfilled" ? sizes[i].value : undefined));
    const frames = videos.map(() => framesPerVideo);
    return rowPlaces(reading, known, frames);
  }

  /** What is wrong with a row's text. */
  async problemsOf(row: Row, content: RowContent): Promise<string[]> {
    const name = nameOf(this.#file, row);
    if (this.#settings.model?.config.textOnly && row.images.length + row.videos.length > 0) {
      return [
        `${name}: must show no picture to a language model alone, got one; \`owl assemble\` makes an owl of it`,
      ];
    }
    const unfit = pairProblem(row, this.#settings.learnsPairs);
    if (unfit !== undefined) return [unfit];
    const text = this.completed(row.text, content);
    try {
      this.#gather({ text, name, content, places: await this.placesOf(row) }, row);
      this.writing.add(text, name);
      return [];
    } catch (error) {
      if (!(error instanceof PromptError)) throw error;
      return [error.message];
    }
  }

  #gather({ text, name, content, places }: CheckedText, { videos, rejected }: Row): void {
    const { model, maxTokens } = this.#settings;
    if (model === undefined) {
      if (typeof text === "string" && content === "conversation")
        requireConversation(text, this.#template, name);
    } else {
      const options = { ...textOptions({ maxTokens }, model, content), ...places };
      const samples =
        rejected === undefined
          ? [encodeText(text, name, options, videos.length > 0 ? "video" : "image")]
          : encodePair({ text, rejected: this.completed(rejected, content) }, name, options);
      if (samples[0].turnsLeftOut !== undefined) this.shortened++;
      if (samples[0].isCut) this.cut++;
      // The last one is only a target.
      const tokens = sumOf(samples.map(({ ids }) => ids.length - 1));
      this.tokens.add(tokens);
      this.lengths.add(tokens);
      this.learned.add(sumOf(samples.map(({ lossMask }) => sumOf(lossMask.map(Number)))));
    }
    const words = [text, ...(rejected === undefined ? [] : [rejected])].flatMap((one) =>
      typeof one === "string" ? [withLineFeeds(one)] : textsOf(one),
    );
    this.characters.add(sumOf(words.map((some) => some.length)));
  }
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** What keeps a row from being learned where pairs of answers are, or are not. */
function pairProblem({ rejected }: Row, learnsPairs: boolean | undefined): string | undefined {
  if (learnsPairs === undefined || learnsPairs === (rejected !== undefined)) return undefined;
  return learnsPairs
    ? 'must have "chosen" and "rejected", which dpo learns from, got one answer'
    : 'has "chosen" and "rejected", which dpo alone learns from; say dpo: { beta: 0.1 } in the recipe, or keep the better answer alone';
}
