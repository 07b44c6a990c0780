import { direct } from "./lowering.ts";

export const neg = direct<"neg">("Neg");
export const exp = direct<"exp">("Exp");
export const log = direct<"log">("Log");
export const sqrt = direct<"sqrt">("Sqrt");
export const reciprocal = direct<"reciprocal">("Reciprocal");
export const sigmoid = direct<"sigmoid">("Sigmoid");
export const tanh = direct<"tanh">("Tanh");
export const erf = direct<"erf">("Erf");
export const detach = direct<"detach">("Identity");
export const quickGelu = direct<"quickGelu">("QuickGelu", ({ attributes: { alpha } }) => ({
  alpha: { float: alpha },
}));
export const add = direct<"add">("Add");
export const sub = direct<"sub">("Sub");
export const mul = direct<"mul">("Mul");
export const div = direct<"div">("Div");
