/** Templates of Jinja's, rendered as Python renders them. */
export { TemplateError } from "./error.ts";
export { parseVariables } from "./json.ts";
export { type Rendered, type RenderOptions, readTemplate, type Template } from "./template.ts";
export { Float } from "./values.ts";
