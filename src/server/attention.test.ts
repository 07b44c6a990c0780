import { afterAll, beforeAll, expect, it } from "vitest";
import { owlServer, picturePath, pictureUrl } from "./testing/owl-server.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
beforeAll(async () => {
  served = await owlServer();
});
afterAll(() => served.close());

interface Maps {
  readonly layers: number;
  readonly queries: number;
  readonly rows: number;
  readonly columns: number;
  readonly framing: unknown;
  readonly maps: readonly (readonly (readonly number[])[])[];
}

it("tells where the owl looked, as the mean over heads", async () => {
  const response = await served.post("/v1/attention", { model: "owl-nano", image: pictureUrl("owl.png") });
  expect(response.status).toBe(200);
  const { layers, queries, rows, columns, framing, maps } = (await response.json()) as Maps;
  const own = await served.owl.attention(picturePath("owl.png"));
  expect({ layers, queries, rows, columns, framing }).toEqual({
    layers: own.layers,
    queries: own.queries,
    rows: own.rows,
    columns: own.columns,
    framing: own.framing,
  });
  expect(maps.map((layer) => layer.map((map) => map.length))).toEqual(
    Array.from({ length: layers }, () => Array(queries).fill(rows * columns)),
  );
  const [layer, query, patch] = [layers - 1, queries - 2, 9];
  const mean = Array.from({ length: own.heads }, (_, head) => {
    const map = (layer * own.heads + head) * queries + query;
    return own.maps[map * rows * columns + patch] / own.heads;
  }).reduce((sum, share) => sum + share);
  expect(maps[layer][query][patch]).toBeCloseTo(mean, 5);
});

it("takes a question, which an abstractor does not look at", async () => {
  const body = { model: "owl-nano", image: pictureUrl("owl.png") };
  const [plain, asked] = await Promise.all(
    [body, { ...body, question: "what is this?" }].map(async (one) =>
      (await served.post("/v1/attention", one)).json(),
    ),
  );
  expect(asked).toEqual(plain);
  expect(asked).not.toHaveProperty("words");
});

it("refuses what is no picture, and models and addresses that it does not have", async () => {
  const image = pictureUrl("owl.png");
  for (const [body, status] of [
    [{ model: "owl-nano", image: "data:image/png;base64,AAAA" }, 400],
    [{ model: "owl-nano", image: "file:///etc/passwd" }, 400],
    [{ model: "none", image }, 404],
    [{ model: "owl-nano" }, 400],
    [{ model: "owl-nano", image, layer: 1 }, 400],
    [{ model: "owl-nano", image, question: "" }, 400],
  ] as const) {
    const response = await served.post("/v1/attention", body);
    expect(response.status, JSON.stringify(body).slice(0, 60)).toBe(status);
  }
});
