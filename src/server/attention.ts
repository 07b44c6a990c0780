import { ApiError } from "./errors.ts";
import type { Asking } from "./state.ts";

/** `POST /v1/attention`: where the abstractor looked. */
export async function attention(_asking: Asking): Promise<Response> {
  throw new ApiError(404, "this server has no attention maps", { code: "attention_off" });
}
