/** What a file is, judged by its content. */
export interface FileKind {
  /** As people call it: `JPEG`, `HEIC`, `PDF`, `web page`, … */
  readonly name: string;
  readonly group: "picture" | "video" | "other";
  readonly mediaType: string;
}

/** So many first bytes of a file are enough for {@link fileKind}. */
export const bytesOfKind = 4096;

/** Name, group, media type and where the bytes (one a character) stand that tell it. */
type Signature = readonly [
  name: string,
  group: FileKind["group"],
  mediaType: string,
  ...marks: readonly (readonly [offset: number, bytes: string])[],
];

const signatures: readonly Signature[] = [
  ["JPEG", "picture", "image/jpeg", [0, "\xff\xd8\xff"]],
  ["PNG", "picture", "image/png", [0, "\x89PNG\r\n\x1a\n"]],
  ["GIF", "picture", "image/gif", [0, "GIF87a"]],
  ["GIF", "picture", "image/gif", [0, "GIF89a"]],
  ["WebP", "picture", "image/webp", [0, "RIFF"], [8, "WEBP"]],
  ["Canon RAW", "picture", "image/x-canon-cr2", [0, "II*\0"], [8, "CR"]],
  ["TIFF", "picture", "image/tiff", [0, "II*\0"]],
  ["TIFF", "picture", "image/tiff", [0, "MM\0*"]],
  ["TIFF", "picture", "image/tiff", [0, "II+\0"]],
  ["TIFF", "picture", "image/tiff", [0, "MM\0+"]],
  ["JPEG XL", "picture", "image/jxl", [0, "\xff\x0a"]],
  ["JPEG XL", "picture", "image/jxl", [0, "\0\0\0\x0cJXL \r\n\x87\n"]],
  ["JPEG 2000", "picture", "image/jp2", [0, "\0\0\0\x0cjP  \r\n\x87\n"]],
  ["JPEG 2000", "picture", "image/jp2", [0, "\xff\x4f\xff\x51"]],
  ["Photoshop", "picture", "image/vnd.adobe.photoshop", [0, "8BPS"]],
  ["GIMP", "picture", "image/x-xcf", [0, "gimp xcf"]],
  ["BMP", "picture", "image/bmp", [0, "BM"], [6, "\0\0\0\0"]],
  ["ICO", "picture", "image/x-icon", [0, "\0\0\x01\0"], [5, "\0"]],
  ["ICO", "picture", "image/x-icon", [0, "\0\0\x02\0"], [5, "\0"]],
  ["ICNS", "picture", "image/icns", [0, "icns"]],
  ["QOI", "picture", "image/qoi", [0, "qoif"]],
  ["OpenEXR", "picture", "image/x-exr", [0, "\x76\x2f\x31\x01"]],
  ["Radiance HDR", "picture", "image/vnd.radiance", [0, "#?RADIANCE"]],
  ["DDS", "picture", "image/vnd-ms.dds", [0, "DDS |"]],
  ["Fujifilm RAW", "picture", "image/x-fuji-raf", [0, "FUJIFILMCCD-RAW"]],
  ["Olympus RAW", "picture", "image/x-olympus-orf", [0, "IIRO\x08"]],
  ["Olympus RAW", "picture", "image/x-olympus-orf", [0, "IIRS\x08"]],
  ["Olympus RAW", "picture", "image/x-olympus-orf", [0, "MMOR"]],
  ["Panasonic RAW", "picture", "image/x-panasonic-rw2", [0, "IIU\0"]],
  ["DICOM", "picture", "application/dicom", [128, "DICM"]],
  ["WebM or Matroska", "video", "video/webm", [0, "\x1a\x45\xdf\xa3"]],
  ["AVI", "video", "video/x-msvideo", [0, "RIFF"], [8, "AVI "]],
  ["FLV", "video", "video/x-flv", [0, "FLV\x01"]],
  ["WMV", "video", "video/x-ms-wmv", [0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"]],
  ["MPEG", "video", "video/mpeg", [0, "\0\0\x01\xba"]],
  ["MPEG", "video", "video/mpeg", [0, "\0\0\x01\xb3"]],
  ["MPEG", "video", "video/mp2t", [0, "G"], [188, "G"], [376, "G"]],
  ["Ogg", "video", "video/ogg", [0, "OggS"]],
  ["MOV", "video", "video/quicktime", [4, "moov"]],
  ["MOV", "video", "video/quicktime", [4, "mdat"]],
  ["MOV", "video", "video/quicktime", [4, "wide"]],
  ["PDF", "other", "application/pdf", [0, "%PDF-"]],
  ["PostScript", "other", "application/postscript", [0, "%!PS"]],
  ["ZIP", "other", "application/zip", [0, "PK\x03\x04"]],
  ["gzip", "other", "application/gzip", [0, "\x1f\x8b"]],
  ["zstd", "other", "application/zstd", [0, "\x28\xb5\x2f\xfd"]],
  ["xz", "other", "application/x-xz", [0, "\xfd7zXZ"]],
  ["bzip2", "other", "application/x-bzip2", [0, "BZh"]],
  ["WAV", "other", "audio/wav", [0, "RIFF"], [8, "WAVE"]],
  ["MP3", "other", "audio/mpeg", [0, "ID3"]],
  ["FLAC", "other", "audio/flac", [0, "fLaC"]],
  ["git-lfs pointer", "other", "text/plain", [0, "version https://git-lfs"]],
];

/**
 * What a file is by its first bytes ({@link bytesOfKind} of them are enough), whatever its name says; undefined where
 * nothing tells.
 */
export function fileKind(beginning: Uint8Array): FileKind | undefined {
  const head = beginning.subarray(0, bytesOfKind);
  const text = String.fromCharCode(...head);
  const found = signatures.find(([, , , ...marks]) =>
    marks.every(([offset, bytes]) => text.startsWith(bytes, offset)),
  );
  if (found !== undefined) return kind(found[0], found[1], found[2]);
  return text.startsWith("ftyp", 4) ? isoKind(text) : textKind(head);
}

function kind(name: string, group: FileKind["group"], mediaType: string): FileKind {
  return { name, group, mediaType };
}

/** Files of boxes: the brands that a file names tell, the first of which is only the preferred one (ISO 14496-12). */
function isoKind(text: string): FileKind {
  const [a, b, c, d] = [0, 1, 2, 3].map((at) => text.charCodeAt(at));
  const end = Math.min(text.length, 2 ** 24 * a + 2 ** 16 * b + 256 * c + d);
  const brands = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text.slice(at, at + 4));
  const has = (...names: string[]): boolean => names.some((name) => brands.includes(name));
  if (has("avif", "avis")) return kind("AVIF", "picture", "image/avif");
  if (has("heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs")) {
    return kind("HEIC", "picture", "image/heic");
  }
  if (has("mif1", "msf1", "mif2")) return kind("HEIF", "picture", "image/heif");
  if (has("crx ")) return kind("Canon RAW", "picture", "image/x-canon-cr3");
  if (/^M4[AB] $/.test(brands[0])) return kind("M4A", "other", "audio/mp4");
  return brands[0] === "qt  " ? kind("MOV", "video", "video/quicktime") : kind("MP4", "video", "video/mp4");
}

/** What a text is; undefined for other bytes. A drawing may have a declaration and comments in front. */
function textKind(head: Uint8Array): FileKind | undefined {
  const utf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const encoding = utf16 ? (head[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  const text = new TextDecoder(encoding).decode(head).trimStart();
  const isText = head.length > 0 && !text.includes("\0") && !text.slice(0, -1).includes("\ufffd");
  if (!isText) return undefined;
  const markup = text.replace(
    /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!DOCTYPE svg[^>[]*(\[[^\]]*\])?[^>]*>|\s+/gi,
    "",
  );
  if (/^<(\w+:)?svg/i.test(markup)) return kind("SVG", "picture", "image/svg+xml");
  if (/^<(!doctypehtml|html|head|body|script|title)/i.test(markup))
    return kind("web page", "other", "text/html");
  if (/^<\?xml|^<\w/.test(text)) return kind("XML", "other", "application/xml");
  if (/^[{[]/.test(text)) return kind("JSON", "other", "application/json");
  return kind("text", "other", "text/plain");
}

/** What to do with a file of a kind where a picture is expected and its kind is not decoded. */
const advice: Readonly<Record<string, string>> = {
  HEIC: "convert it to JPEG or PNG (macOS: sips -s format jpeg FILE --out FILE.jpg)",
  HEIF: "convert it to JPEG or PNG (macOS: sips -s format jpeg FILE --out FILE.jpg)",
  PDF: "give a page of it as PNG",
  PostScript: "give a page of it as PNG",
  ZIP: "unpack it first",
  gzip: "unpack it first",
  zstd: "unpack it first",
  xz: "unpack it first",
  bzip2: "unpack it first",
  "git-lfs pointer": "fetch the file that it stands for with `git lfs pull`",
  "web page": "it may be an error page that was saved in place of the picture",
  JSON: "it may be an error message that was saved in place of the picture",
};

/**
 * What a file is that is no picture that can be taken, and what to do: the end of a sentence "must be …, got ".
 *
 * @param bytes the file, or its beginning
 */
export function foundInstead(bytes: Uint8Array): string {
  if (bytes.byteLength === 0) return "an empty file";
  const found = fileKind(bytes);
  if (found === undefined) return "a file of another kind";
  const { name, group } = found;
  if (group === "video") return "a video; give it as a video";
  const noun = group === "picture" ? `${name} picture` : `${name}${/page|pointer/.test(name) ? "" : " file"}`;
  const article = /^([AEIO]|SVG|XML|MP3|M4A)/.test(name) ? "an" : "a";
  const otherwise = group === "picture" ? "convert it to JPEG or PNG" : "give a picture";
  return `${article} ${noun}; ${advice[name] ?? otherwise}`;
}
