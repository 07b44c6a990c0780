export { type DerivedInputs, type ModelOptions, writeModel } from "./write-model.ts";
export {
  elementTypes,
  type InlineParameter,
  integerConstant,
  type StoredParameter,
  type Writer,
} from "./writer.ts";
