import { z } from "zod";
import { cuttingGrids, gridOf } from "../image/index.ts";
import { type OwlConfig, tokensPerImage } from "../model/index.ts";
import {
  type ContentPart,
  cutWordsOf,
  type Message,
  markerIds,
  PromptError,
  pictureMarkOf,
  seesCut,
  videoMark,
  withShownPictures,
  writtenConversation,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

const count = z.number().int().positive();
const request = z.object({
  messages: z.array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() })).min(1),
  pictures: z.array(z.tuple([count, count])).default([]),
  video_frames: z.array(count).default([]),
  cut_enable: z.boolean().default(true),
});

/** A user's text with its marks as pictures and videos, numbered over all messages. */
function partsOf(
  text: string,
  mark: string,
  next: { image: number; video: number },
): Message<number, number>["content"] {
  const parts = text
    .split(mark)
    .flatMap((some, i) => [
      ...(i > 0 ? [mark] : []),
      ...some.split(videoMark).flatMap((one, j) => (j > 0 ? [videoMark, one] : [one])),
    ])
    .filter((part) => part !== "")
    .map((part): ContentPart<number, number> => {
      if (part === mark) return { type: "image", image: next.image++ };
      return part === videoMark ? { type: "video", video: next.video++ } : { type: "text", text: part };
    });
  return parts.every(({ type }) => type === "text") ? text : parts;
}

/**
 * What a line of `owl probe prompt` gives of a model whose pictures stand beside the text: pictures in `messages` by the model's mark, their sizes in
 * `pictures`, videos by `<|video|>` and their numbers of frames in `video_frames`, whether pictures are cut in `cut_enable`.
 */
export function besideTextAnswer(config: OwlConfig, tokenizer: Tokenizer, line: unknown): object {
  const { data, error } = request.safeParse(line);
  if (data === undefined) return { error: z.prettifyError(error) };
  const { messages, pictures, video_frames: videos, cut_enable } = data;
  const next = { image: 0, video: 0 };
  const given = messages.map(({ role, content }): Message<number, number> => {
    return { role, content: role === "user" ? partsOf(content, pictureMarkOf(tokenizer), next) : content };
  });
  if (next.image !== pictures.length || next.video !== videos.length) {
    const places = `${pictures.length} pictures and ${videos.length} videos, got ${next.image} and ${next.video}`;
    return { error: `messages: must have a place for each of the ${places}` };
  }
  const words = cutWordsOf(config);
  const cuts = cut_enable && seesCut(words, pictures.length + videos.length);
  const shown = withShownPictures(given, words, {
    image: (i) => {
      const [width, height] = pictures[i];
      const grid = cuts ? gridOf({ width, height }, config.vision.imageSize, cuttingGrids) : undefined;
      return { grid, pictures: new Array<number>(grid ? grid[0] * grid[1] + 1 : 1).fill(i) };
    },
    video: (i) => ({ pictures: new Array<number>(videos[i]).fill(i) }),
  });
  try {
    return writtenConversation(shown, tokenizer, {
      tokensPerImage: tokensPerImage(config),
      marker: markerIds(tokenizer),
    });
  } catch (error) {
    if (error instanceof PromptError) return { error: error.message };
    throw error;
  }
}
