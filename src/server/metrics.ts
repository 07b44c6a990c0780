import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { EngineStatistics, FinishReason } from "../generation/index.ts";

/** Seconds that answers take, from a hundredth to ten minutes. */
const buckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 600];

/** The engine's counters: name, help text, and value. */
const engineCounters: [name: string, help: string, value: (statistics: EngineStatistics) => number][] = [
  ["requests_ended_total", "Answers that ended, whole, aborted or failed", ({ ended }) => ended],
  ["prompt_tokens_total", "Positions of prompts, visual tokens included", ({ promptTokens }) => promptTokens],
  [
    "cached_prompt_tokens_total",
    "Positions of prompts that were in the KV cache",
    ({ cachedTokens }) => cachedTokens,
  ],
  ["generated_tokens_total", "New tokens", ({ generatedTokens }) => generatedTokens],
  ["decode_steps_total", "Steps that gave every running answer a token", ({ decodeSteps }) => decodeSteps],
  ["prefill_runs_total", "Pieces of prompts that were computed", ({ prefillRuns }) => prefillRuns],
  ["prefix_cache_hits_total", "Prompts that began as a kept one", ({ prefixCache }) => prefixCache.hits],
  ["prefix_cache_misses_total", "Prompts that did not", ({ prefixCache }) => prefixCache.misses],
  ["visual_cache_hits_total", "Pictures that were not encoded again", ({ visualCache }) => visualCache.hits],
  ["visual_cache_misses_total", "Pictures that were encoded", ({ visualCache }) => visualCache.misses],
];

/** Its gauges. */
const engineGauges: typeof engineCounters = [
  ["running", "Answers that are being made", ({ running }) => running],
  ["waiting", "Answers that wait for their turn", ({ waiting }) => waiting],
  ["prefix_cache_bytes", "Bytes of keys and values that are kept", ({ prefixCache }) => prefixCache.bytes],
  ["prefix_cache_entries", "Conversations that are kept", ({ prefixCache }) => prefixCache.entries],
  ["visual_cache_bytes", "Bytes of visual tokens that are kept", ({ visualCache }) => visualCache.bytes],
  ["visual_cache_entries", "Pictures whose visual tokens are kept", ({ visualCache }) => visualCache.entries],
];

/** Reads the statistics of each model's engine, whenever the metrics are scraped. */
export type StatisticsOfModels = () => Iterable<readonly [model: string, statistics: EngineStatistics]>;

/** The counters of one server, in a registry of its own, as Prometheus reads them. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter("owl_requests_total", "Requests by route and status", [
    "route",
    "status",
  ]);
  readonly #answers = this.#counter("owl_answers_total", "Answers by why they ended", ["model", "reason"]);
  readonly #seconds = this.#histogram("owl_request_seconds", "From a request to the end of its reply", [
    "route",
  ]);
  readonly #firstToken = this.#histogram(
    "owl_time_to_first_token_seconds",
    "From asking the engine to the first token",
    ["model"],
  );
  readonly #perToken = this.#histogram(
    "owl_time_per_token_seconds",
    "From one token of an answer to the next, on average",
    ["model"],
  );

  constructor(statistics: StatisticsOfModels, requestsInFlight: () => number) {
    const registers = [this.#registry];
    const labelNames = ["model"];
    for (const [name, help, value] of engineCounters) {
      new Counter({
        name: `owl_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const [model, found] of statistics()) this.inc({ model }, value(found));
        },
      });
    }
    for (const [name, help, value] of engineGauges) {
      new Gauge({
        name: `owl_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          for (const [model, found] of statistics()) this.set({ model }, value(found));
        },
      });
    }
    new Gauge({
      name: "owl_requests_in_hand",
      help: "Requests whose replies are not over",
      registers,
      collect() {
        this.set(requestsInFlight());
      },
    });
  }

  /** A response has ended. */
  replied(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status });
    this.#seconds.observe({ route }, seconds);
  }

  /** The first token of an answer has come. */
  began(model: string, seconds: number): void {
    this.#firstToken.observe({ model }, seconds);
  }

  /** An answer is complete; `seconds` are those after its first token. */
  ended(model: string, reason: FinishReason, tokens: number, seconds: number): void {
    this.#answers.inc({ model, reason });
    if (tokens > 1) this.#perToken.observe({ model }, seconds / (tokens - 1));
  }

  /** All metrics in Prometheus' text format. */
  async response(): Promise<Response> {
    return new Response(await this.#registry.metrics(), {
      headers: { "content-type": this.#registry.contentType, "cache-control": "no-store" },
    });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, labelNames: string[]): Histogram {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }
}
