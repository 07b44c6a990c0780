const greeting = { model: "owl-nano", messages: [{ role: "user", content: "hello" }] };
/** A question with these fields in place of its own. */
const chat = (fields: object): object => ({ ...greeting, ...fields });
const said = (...messages: unknown[]): object => chat({ messages });
const parts = (...content: unknown[]): object => said({ role: "user", content });
const schema = (value: unknown): object =>
  chat({ response_format: { type: "json_schema", json_schema: { name: "x", schema: value } } });
const completion = (fields: object): object => ({ model: "owl-nano", prompt: "hello", ...fields });

const text = JSON.stringify(greeting);
const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

/** Bodies that are no JSON, or more JSON than anybody needs. */
export const adversarialTexts: readonly (readonly [description: string, body: string | Uint8Array])[] = [
  ["nothing", ""],
  ["a blank", " "],
  ["an open brace", "{"],
  ["a closed brace", "}"],
  ["a list", "[]"],
  ["null", "null"],
  ["true", "true"],
  ["a number", "42"],
  ["a text", '"hello"'],
  ["NaN", "NaN"],
  ["a temperature that is NaN", text.replace("{", '{"temperature":NaN,')],
  ["a temperature that is Infinity", text.replace("{", '{"temperature":Infinity,')],
  ["a temperature of 1e999", text.replace("{", '{"temperature":1e999,')],
  ["a number with a leading zero", text.replace("{", '{"n":01,')],
  ["a hexadecimal number", text.replace("{", '{"n":0x1,')],
  ["quotes of another kind", "{'model':'owl-nano'}"],
  ["a comma too many", text.replace(/}$/, ",}")],
  ["a comment", `/* hello */ ${text}`],
  ["two questions", text + text],
  ["half a question", text.slice(0, text.length >> 1)],
  ["a zero behind it", `${text}\0`],
  ["a control character in a text", text.replace("hello", "hel\nlo")],
  ["bytes that are no UTF-8", Buffer.from(text.replace("hello", "h\xffllo"), "latin1")],
  ["half a letter", Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')])],
  ["UTF-16", Buffer.from(text, "utf16le")],
  ["a form", "model=owl-nano&messages=hello"],
  ["XML", "<model>owl-nano</model>"],
  ["a packed body", Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
  ["a hundred thousand open lists", "[".repeat(1e5)],
  ["lists a hundred thousand deep", deep("[", "]", 1e5)],
  ["objects fifty thousand deep", `${'{"a":'.repeat(5e4)}1${"}".repeat(5e4)}`],
  ["messages three hundred deep", `{"model":"owl-nano","messages":${deep("[", "]", 300)}}`],
  ["half a million messages", `{"model":"owl-nano","messages":[${"0,".repeat(5e5)}0]}`],
  ["ninety thousand messages", `{"model":"owl-nano","messages":[${"0,".repeat(9e4)}0]}`],
  ["ninety thousand fields", `{${Array.from({ length: 9e4 }, (_, i) => `"f${i}":0`).join()}}`],
  ["a field whose name is half a megabyte", `{"${"x".repeat(5e5)}":1}`],
  ["a text without an end", `{"model":"${"x".repeat(1e5)}`],
  ["backslashes without an end", `{"model":"${"\\".repeat(1e5)}`],
  ["keys of prototypes", '{"__proto__":{"model":"owl-nano"},"constructor":{"prototype":{}}}'],
];

const number = ["1", true, [], {}];
const whole = [...number, 1.5];
const word = [1, true, [], {}];
const truth = ["true", 1, [], {}];
const object = ["x", 1, true];
/** Values of other kinds than a field has. */
const wrongKinds: Readonly<Record<string, readonly unknown[]>> = {
  model: [...word, null],
  messages: ["hello", 1, true, {}, null],
  max_tokens: whole,
  max_completion_tokens: whole,
  temperature: number,
  top_p: number,
  top_k: whole,
  min_p: number,
  stop: [1, true, {}, [1], [[]]],
  seed: whole,
  n: whole,
  frequency_penalty: number,
  presence_penalty: number,
  num_beams: whole,
  no_repeat_ngram_size: whole,
  repetition_penalty: number,
  length_penalty: number,
  stream: truth,
  stream_options: object,
  user: word,
  metadata: [...object, { a: 1 }],
  logprobs: truth,
  top_logprobs: whole,
  response_format: [...object, {}, { type: "yaml" }, { type: "json_schema" }],
  store: [true, "x"],
  modalities: ["text", ["audio"], ["text", "audio"]],
  service_tier: [1, "flex"],
  tools: [{}, "x", [{}]],
  tool_choice: ["auto", {}],
  logit_bias: [{ 5: 100 }, "x"],
  truncation: [true, "always", {}],
  reasoning_effort: ["high", 1],
  verbosity: ["low"],
  parallel_tool_calls: ["no"],
  web_search_options: [{}],
};

/** Numbers that a field does not go to. */
const outOfRange: Readonly<Record<string, readonly number[]>> = {
  max_tokens: [0, -1, 4097, 1e9, 2 ** 53],
  max_completion_tokens: [0, -1, 4097],
  temperature: [-0.1, 2.1, 1e300],
  top_p: [-0.1, 1.1],
  top_k: [-1, 2 ** 60],
  min_p: [-0.1, 1.1],
  seed: [2 ** 60, -(2 ** 60)],
  n: [0, -1, 9, 1e9],
  num_beams: [0, -1, 9, 1e9],
  frequency_penalty: [-2.1, 2.1],
  presence_penalty: [-2.1, 2.1],
  repetition_penalty: [0, -1, 10.1],
  length_penalty: [-10.1, 10.1],
  no_repeat_ngram_size: [-1],
  top_logprobs: [-1, 21],
};

/** Questions with a wrong value for one field: the field and the body. */
export const adversarialFields: readonly (readonly [field: string, description: string, body: object])[] = [
  ...Object.entries(wrongKinds),
  ...Object.entries(outOfRange),
].flatMap(([field, values]) =>
  values.map((value) => [field, JSON.stringify(value), chat({ [field]: value })] as const),
);

const image = (value: unknown): object => ({ type: "image_url", image_url: value });

/** Questions that make no sense as a whole: words of the refusal, and its status where it is not 400. */
export const adversarialRequests: readonly (readonly [
  description: string,
  body: object,
  words: string,
  status?: number,
])[] = [
  ["no message", said(), "messages"],
  ["a message that is none", said(null), "messages[0]"],
  ["a message without a role", said({ content: "x" }), "role"],
  ["an unknown role", said({ role: "root", content: "x" }), "no such role"],
  ["a tool's message", said({ role: "tool", content: "x", tool_call_id: "1" }), "no such role"],
  ["no content", said({ role: "user" }), "content"],
  ["content that is null", said({ role: "user", content: null }), "content"],
  ["content of no part", parts(), "content"],
  ["a part that is none", parts(null), "content[0]"],
  ["a part of a part", parts([{ type: "text", text: "x" }]), "content[0]"],
  ["an unknown part", parts({ type: "input_audio", input_audio: {} }), "no such type"],
  ["a text that is a number", parts({ type: "text", text: 1 }), "text"],
  ["a picture without an address", parts(image({})), "url"],
  ["a picture whose address is no object", parts(image("data:,")), "image_url"],
  ["a picture whose address is a number", parts(image({ url: 1 })), "url"],
  ["a picture of unknown detail", parts(image({ url: "data:,", detail: "ultra" })), "detail"],
  ["a picture by the system", said({ role: "system", content: [image({ url: "data:," })] }), "type"],
  ["a last word by the assistant", said({ role: "assistant", content: "x" }), "ends with a user's message"],
  ["calls of tools", said({ role: "assistant", content: "x", tool_calls: [{ id: "1" }] }), "tool_calls"],
  ["a text that cannot fit", said({ role: "user", content: "x".repeat(2e5) }), "1024 positions"],
  ["a text that does not fit", said({ role: "user", content: "cat ".repeat(1200) }), "1024 positions"],
  [
    "two thousand turns",
    said(...Array.from({ length: 2000 }, () => ({ role: "user", content: "hi" }))),
    "1024 positions",
  ],
  [
    "seventeen pictures",
    parts(...Array.from({ length: 17 }, () => image({ url: "data:," }))),
    "at most 16",
    413,
  ],
  [
    "five thousand pictures",
    parts(...Array.from({ length: 5000 }, () => image({ url: "x" }))),
    "at most 16",
    413,
  ],
  ["five stops", chat({ stop: ["a", "b", "c", "d", "e"] }), "stop"],
  ["an empty stop", chat({ stop: "" }), "stop"],
  ["both lengths", chat({ max_tokens: 1, max_completion_tokens: 1 }), "max_tokens"],
  ["beams with log-probabilities", chat({ num_beams: 2, logprobs: true }), "num_beams"],
  ["an unknown field", chat({ functions: [] }), "no such field"],
  ["sound", chat({ audio: { voice: "a" } }), "no such field"],
  ["more answers than there are places", chat({ n: 8 }), "ask again later", 429],
  ["a model of another name", chat({ model: "gpt-4" }), "no model of this name", 404],
  ["a model without a name", chat({ model: "" }), "no model of this name", 404],
  ["a model named by a path", chat({ model: "../../models/owl-nano" }), "no model of this name", 404],
  ["a model named __proto__", chat({ model: "__proto__" }), "no model of this name", 404],
  ["a schema of unknown words", schema({ type: "object", not: {} }), "not"],
  ["a schema from elsewhere", schema({ $ref: "https://example.org/schema.json" }), "$ref"],
  ["a schema from a file", schema({ $ref: "file:///etc/passwd" }), "$ref"],
  ["a schema that is itself", schema({ $ref: "#" }), "#"],
  [
    "a schema that needs itself",
    schema({ type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }),
    "#",
  ],
  ["a pattern of a million states", schema({ type: "string", pattern: "^(a{1,1000}){1,1000}$" }), "pattern"],
  ["a pattern that is none", schema({ type: "string", pattern: "(" }), "pattern"],
  ["a pattern with a backreference", schema({ type: "string", pattern: "(a*)\\1" }), "pattern"],
  ["no number between two", schema({ type: "integer", minimum: 2, maximum: 1 }), "#"],
  [
    "a schema a hundred deep",
    schema(JSON.parse(`${'{"items":'.repeat(100)}{}${"}".repeat(100)}`)),
    "schemas deep",
  ],
  [
    "ten thousand properties",
    schema({
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => [`p${i}`, {}])),
    }),
    "schemas",
  ],
];

/** The same for `/v1/completions`. */
export const adversarialCompletions: typeof adversarialRequests = [
  ["no prompt", completion({ prompt: undefined }), "prompt"],
  ["a prompt that is null", completion({ prompt: null }), "prompt"],
  ["a prompt that is a number", completion({ prompt: 1 }), "prompt"],
  ["a prompt of nothing", completion({ prompt: [] }), "prompt"],
  ["a list of nothing", completion({ prompt: [[]] }), "prompt"],
  ["texts and ids together", completion({ prompt: ["hello", [1]] }), "prompt"],
  ["an id below zero", completion({ prompt: [-1] }), "prompt"],
  ["an id that is no whole number", completion({ prompt: [1.5] }), "prompt"],
  ["an id beyond the vocabulary", completion({ prompt: [1, 999_999] }), "vocabulary"],
  [
    "more ids than positions",
    completion({ prompt: Array.from({ length: 5000 }, () => 5) }),
    "1024 positions",
  ],
  ["nine prompts", completion({ prompt: Array.from({ length: 9 }, () => "x") }), "at most 8"],
  ["a text that cannot fit", completion({ prompt: "x".repeat(2e5) }), "1024 positions"],
  ["a best one of two", completion({ best_of: 2 }), "best_of"],
  ["an echo", completion({ echo: true }), "echo"],
  ["an end", completion({ suffix: "x" }), "suffix"],
  ["six log-probabilities", completion({ logprobs: 6 }), "logprobs"],
  ["messages", { ...greeting }, "prompt"],
];
