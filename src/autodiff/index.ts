export { gradients } from "./gradients.ts";
export { type GradientRule, gradientRules, type RuleContext } from "./rules.ts";
