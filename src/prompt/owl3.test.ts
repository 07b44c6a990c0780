import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { cuttingGrids, gridOf } from "../image/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { withShownPictures } from "./cut-pictures.ts";
import type { ContentPart, Message } from "./message.ts";
import { markerIds, writtenConversation } from "./written-conversation.ts";

interface Conversation {
  readonly name: string;
  readonly messages: readonly { readonly role: "system" | "user" | "assistant"; readonly content: string }[];
  readonly picture_sizes_width_height: readonly [number, number][];
  readonly video_frames: readonly number[];
  readonly cut_enable: boolean;
  readonly inference_mode: boolean;
  readonly image_size: number;
  readonly text: string;
  readonly num_sub_pictures: number;
  readonly input_ids_tiny: number[];
}

const asParts = (content: string): ContentPart<number, number>[] => {
  const counts = { image: 0, video: 0 };
  return content.split(/(<\|(?:image|video)\|>)/).flatMap((part): ContentPart<number, number>[] => {
    if (part === "<|image|>") return [{ type: "image", image: counts.image++ }];
    if (part === "<|video|>") return [{ type: "video", video: counts.video++ }];
    return part === "" ? [] : [{ type: "text", text: part }];
  });
};

describe.skipIf(!sharedAvailable)("mPLUG-Owl3's prompts against the original code", () => {
  describe.each(["240728", "241014", "241101"])("%s", async (version) => {
    const folder = shared(`golden/tiny-owl3/${version}`);
    const { conversations }: { conversations: Conversation[] } = sharedAvailable
      ? JSON.parse(await readFile(`${folder}/prompts.json`, "utf8"))
      : { conversations: [] };
    const tokenizer = sharedAvailable ? await loadTokenizer(folder) : ({} as Tokenizer);

    test.each(conversations)("$name", (golden) => {
      const { messages, picture_sizes_width_height, video_frames, cut_enable, image_size } = golden;
      const sizes = [...picture_sizes_width_height];
      const frames = [...video_frames];
      // The last message of a prompt is an empty answer.
      const said = golden.inference_mode ? messages.slice(0, -1) : messages;
      const given: Message<number, number>[] = said.map(({ role, content }) => ({
        role,
        content: role === "user" ? asParts(content) : content,
      }));
      const shown = withShownPictures(given, version === "240728" ? "first" : "later", {
        image: () => {
          const [width, height] = sizes.shift()!;
          const grid = cut_enable ? gridOf({ width, height }, image_size, cuttingGrids) : undefined;
          return { grid, pictures: new Array<number>(grid ? grid[0] * grid[1] + 1 : 1).fill(0) };
        },
        video: () => ({ pictures: new Array<number>(frames.shift()!).fill(0) }),
      });
      const places = { tokensPerImage: 16, marker: markerIds(tokenizer) };
      const { text, ids } = writtenConversation(shown, tokenizer, places);
      expect(text).toBe(golden.text);
      expect(ids).toEqual(golden.input_ids_tiny);
    });
  });
});
