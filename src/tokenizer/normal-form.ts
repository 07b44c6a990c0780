/**
 * Characters that Unicode received after version 9 and that change, or change places, in its normal forms. Hugging Face's
 * tokenizers normalizes as version 9 does: to it these are letters like any other.
 */
const later = [
  "\\u07fd\\u0897-\\u089f\\u08ca-\\u08d3\\u09fe\\u0c3c\\u0d3b-\\u0d3c\\u0eba\\u1715\\u1abf-\\u1add\\u1ae0-\\u1aeb",
  "\\u1df6-\\u1dfa\\u32ff\\ua7f1-\\ua7f4\\ua82c\\uab69\\u{105c9}\\u{105d2}\\u{105da}\\u{105e4}",
  "\\u{10781}-\\u{10785}\\u{10787}-\\u{107b0}\\u{107b2}-\\u{107ba}\\u{10d24}-\\u{10d27}\\u{10d69}-\\u{10d6d}",
  "\\u{10eab}-\\u{10eac}\\u{10efa}-\\u{10efb}\\u{10efd}-\\u{10eff}\\u{10f46}-\\u{10f50}\\u{10f82}-\\u{10f85}",
  "\\u{11070}\\u{1133b}\\u{11383}\\u{11385}\\u{1138e}\\u{11391}\\u{113b8}\\u{113bb}\\u{113c2}\\u{113c5}",
  "\\u{113c7}-\\u{113c9}\\u{113ce}-\\u{113d0}\\u{1145e}\\u{11839}-\\u{1183a}\\u{11930}\\u{11938}",
  "\\u{1193d}-\\u{1193e}\\u{11943}\\u{119e0}\\u{11a34}\\u{11a47}\\u{11a99}\\u{11d42}\\u{11d44}-\\u{11d45}",
  "\\u{11d97}\\u{11f41}-\\u{11f42}\\u{1611e}-\\u{16129}\\u{1612f}\\u{16d67}-\\u{16d6a}\\u{16ff0}-\\u{16ff1}",
  "\\u{1ccd6}-\\u{1ccf9}\\u{1e030}-\\u{1e06d}\\u{1e08f}\\u{1e130}-\\u{1e136}\\u{1e2ae}\\u{1e2ec}-\\u{1e2ef}",
  "\\u{1e4ec}-\\u{1e4ef}\\u{1e5ee}-\\u{1e5ef}\\u{1e6e3}\\u{1e6e6}\\u{1e6ee}-\\u{1e6ef}\\u{1e6f5}\\u{1f16c}",
  "\\u{1fbf0}-\\u{1fbf9}",
].join("");

const parts = new RegExp(`[${later}]|[^${later}]+`, "gu");
const any = new RegExp(`[${later}]`, "u");

/** A text in a normal form of Unicode 9. */
export function normalForm(text: string, form: "NFC" | "NFD" | "NFKC" | "NFKD"): string {
  if (!any.test(text)) return text.normalize(form);
  return text.replace(parts, (part) => (any.test(part) ? part : part.normalize(form)));
}
