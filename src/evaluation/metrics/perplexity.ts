/** How likely a model holds a text to be. */
export interface TextLikelihood {
  /** Sum over tokens of −ln of their probability given all before them. */
  readonly negativeLogLikelihood: number;
  readonly tokens: number;
}

/**
 * Perplexity of texts: e to the mean negative log-likelihood of their tokens. It depends on what a token is, so only
 * models with the same tokenizer can be compared by it.
 */
export function perplexity(texts: readonly TextLikelihood[]): number {
  const total = texts.reduce((sum, text) => sum + text.negativeLogLikelihood, 0);
  return Math.exp(total / texts.reduce((sum, { tokens }) => sum + tokens, 0));
}
