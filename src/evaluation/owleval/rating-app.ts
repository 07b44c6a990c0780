import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import { readBytes, readImageHeader } from "../../platform/index.ts";
import { EvaluationError } from "../error.ts";
import { issueText } from "../jsonl-log.ts";
import { gradeNames } from "./grades.ts";
import { RatingPage } from "./rating-client.ts";
import { ratingMarkup, ratingStyle } from "./rating-markup.ts";
import type { RatingSession } from "./rating-session.ts";

/** Names that mean this machine; a page of another site that had its name lead here would bring its own. */
const ownNames = new Set(["127.0.0.1", "localhost", "[::1]"]);

const raterSchema = z
  .string()
  .trim()
  .min(1, "must be a name")
  .max(60, "must have at most 60 letters")
  .refine((name) => !name.startsWith("judge:"), "must not begin with judge:, which names a model");

const judgementSchema = z
  .strictObject({
    rater: raterSchema,
    question: z.int(),
    place: z.int().nonnegative(),
    grade: z.enum(gradeNames).optional(),
    note: z.string().max(5000).optional(),
  })
  .refine(({ grade, note }) => grade !== undefined || note !== undefined, "must have a grade or a note");

const undoSchema = z.strictObject({ rater: raterSchema });

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The page for blind grading and what it asks for, as a fetch handler for this machine alone:
 *
 * - `GET /api/view?rater=NAME`: questions and answers in this rater's order, with what the rater has said so far
 * - `POST /api/judgement` `{ rater, question, place, grade?, note? }`: 204 when it is on the disk
 * - `POST /api/undo` `{ rater }`: the spot of what was taken back, or null
 * - `GET /pictures/QUESTION`
 *
 * No answer of it names a system.
 */
export function ratingApp(session: RatingSession): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    requireOwnPage(context);
    await next();
    context.header("Content-Security-Policy", policy);
    context.header("X-Content-Type-Options", "nosniff");
    context.header("Referrer-Policy", "no-referrer");
    context.header("Cache-Control", "no-store");
  });
  app.get("/", (context) => context.html(ratingMarkup));
  app.get("/style.css", (context) => context.body(ratingStyle, 200, { "Content-Type": "text/css" }));
  app.get("/page.js", (context) => context.body(pageScript(), 200, { "Content-Type": "text/javascript" }));
  app.get("/pictures/:question", (context) => picture(context, session));
  app.get("/api/view", (context) => {
    const rater = parsed(raterSchema, context.req.query("rater") ?? "");
    return context.json(session.view(rater));
  });
  app.post("/api/judgement", async (context) => {
    await session.record(parsed(judgementSchema, await body(context)));
    return context.body(null, 204);
  });
  app.post("/api/undo", async (context) => {
    const { rater } = parsed(undoSchema, await body(context));
    return context.json((await session.undo(rater)) ?? null);
  });
  app.onError((error, context) => {
    if (error instanceof HTTPException) return context.text(error.message, error.status);
    return context.text(error.message, error instanceof EvaluationError ? 400 : 500);
  });
  return app;
}

/**
 * The class as a script. Transpilers that keep names call `__name`; a browser has no such function.
 */
function pageScript(): string {
  return `const __name = (value) => value;\n(${RatingPage.toString()}).begin();\n`;
}

function requireOwnPage({ req }: Context): void {
  const { hostname, origin } = new URL(req.url);
  const from = req.header("origin");
  if (ownNames.has(hostname) && (from === undefined || from === origin)) return;
  throw new HTTPException(403, { message: "rating: must be asked by its own page on this machine" });
}

async function picture(context: Context, session: RatingSession): Promise<Response> {
  const question = session.set.question(Number(context.req.param("question")));
  if (question === undefined) throw new HTTPException(404, { message: "no such question" });
  const bytes = await readBytes(session.set.picturePath(question));
  const { format } = await readImageHeader(bytes);
  const type = format === "svg" ? "application/octet-stream" : `image/${format}`;
  return context.body(Uint8Array.from(bytes), 200, { "Content-Type": type });
}

async function body(context: Context): Promise<unknown> {
  // Other sites can send texts here without being asked for leave, but no JSON.
  if (!context.req.header("content-type")?.startsWith("application/json")) {
    throw new HTTPException(415, { message: "rating: must be sent as application/json" });
  }
  return context.req.json().catch(() => undefined);
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new HTTPException(400, { message: `rating: ${result.error.issues.map(issueText).join("; ")}` });
}
