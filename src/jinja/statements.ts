import { TemplateError } from "./error.ts";
import { applied, called, valueOfExpression } from "./expressions.ts";
import { loopVariable } from "./loop.ts";
import type { Call, CallStatement, Expression, For, Identifier, Node, Parameter } from "./nodes.ts";
import type { Scope } from "./scope.ts";
import { textOf } from "./text.ts";
import { withBlock } from "./tokens.ts";
import { Callable, isTrue, itemsOf, type Named, Namespace, Tuple, Undefined, type Value } from "./values.ts";

/** How a body ended: to its end, or by a word that ends the loop's round or the loop. */
type End = "done" | "continue" | "break";

/** What a body writes. */
export function written(body: readonly Node[], scope: Scope): string {
  const out: string[] = [];
  write(body, scope, out);
  return out.join("");
}

function write(body: readonly Node[], scope: Scope, out: string[]): End {
  for (const node of body) {
    const end = writeOne(node, scope, out);
    if (end !== "done") return end;
  }
  return "done";
}

function writeOne(node: Node, scope: Scope, out: string[]): End {
  switch (node.type) {
    case "Comment":
      return "done";
    case "Break":
      return "break";
    case "Continue":
      return "continue";
    case "If":
      if (isWith(node.test)) return write(node.body, withVariables(node.test, scope), out);
      return write(isTrue(evaluated(node.test, scope)) ? node.body : node.alternate, scope, out);
    case "For":
      writeLoop(node, scope, out);
      return "done";
    case "Set":
      assign(
        node.assignee,
        node.value === null ? written(node.body, scope.inner()) : evaluated(node.value, scope),
        scope,
      );
      return "done";
    case "Macro":
      scope.set(node.name.value, macroOf(`macro '${node.name.value}'`, node.args, node.body, scope));
      return "done";
    case "CallStatement":
      out.push(textOf(callBlock(node, scope)));
      return "done";
    case "FilterStatement":
      out.push(textOf(applied(written(node.body, scope.inner()), node.filter, scope)));
      return "done";
    default:
      out.push(textOf(evaluated(node, scope)));
      return "done";
  }
}

const isWith = (test: Node): test is Call =>
  test.type === "CallExpression" && test.callee.type === "Identifier" && test.callee.value === withBlock;

/** What is known inside a `with` block: its variables, whose values see what is outside alone. */
function withVariables({ args }: Call, scope: Scope): Scope {
  const entries = args.map((argument): [string, Value] => {
    if (argument.type === "KeywordArgumentExpression") {
      return [argument.key.value, evaluated(argument.value, scope)];
    }
    throw new TemplateError("with: must give each variable its value as name = value here");
  });
  return scope.inner(new Map(entries));
}

const evaluated = (node: Node, scope: Scope): Value => valueOfExpression(node as Expression, scope);

function writeLoop({ loopvar, iterable, body, defaultBlock }: For, scope: Scope, out: string[]): void {
  const isFiltered = iterable.type === "SelectExpression";
  const all = itemsOf(evaluated(isFiltered ? iterable.lhs : iterable, scope));
  const round = (item: Value): Scope => {
    const inner = scope.inner();
    assign(loopvar, item, inner);
    return inner;
  };
  const items = isFiltered ? all.filter((item) => isTrue(evaluated(iterable.test, round(item)))) : all;
  if (items.length === 0) write(defaultBlock, scope.inner(), out);
  const memory = {};
  for (const [at, item] of items.entries()) {
    const inner = round(item);
    inner.set("loop", loopVariable(items, at, memory));
    if (write(body, inner, out) === "break") break;
  }
}

function assign(target: Node, value: Value, scope: Scope): void {
  if (target.type === "Identifier") scope.set(target.value, value);
  else if (target.type === "TupleLiteral") {
    const items = itemsOf(value);
    const { length } = target.value;
    if (items.length > length) throw new TemplateError(`too many values to unpack (expected ${length})`);
    if (items.length < length) {
      throw new TemplateError(`not enough values to unpack (expected ${length}, got ${items.length})`);
    }
    for (const [i, one] of target.value.entries()) assign(one, items[i], scope);
  } else if (target.type === "MemberExpression") {
    const object = evaluated(target.object, scope);
    if (!(object instanceof Namespace))
      throw new TemplateError("cannot assign attribute on non-namespace object");
    object.attributes.set((target.property as Identifier).value, value);
  } else throw new TemplateError(`cannot assign to ${target.type}`);
}

function macroOf(
  name: string,
  parameters: readonly Parameter[],
  body: readonly Node[],
  scope: Scope,
): Callable {
  const takesMore = JSON.stringify(body).includes('"varargs"');
  return new Callable((args, named) => {
    if (args.length > parameters.length && !takesMore) {
      throw new TemplateError(`${name} takes not more than ${parameters.length} argument(s)`);
    }
    const inner = scope.inner();
    bind(name, parameters, { args, named, inner });
    return written(body, inner);
  });
}

function bind(
  name: string,
  parameters: readonly Parameter[],
  { args, named, inner }: { readonly args: readonly Value[]; readonly named: Named; readonly inner: Scope },
): void {
  const rest = new Map(named);
  for (const [i, parameter] of parameters.entries()) {
    const key = parameter.type === "Identifier" ? parameter.value : parameter.key.value;
    const given = i < args.length ? args[i] : rest.get(key);
    rest.delete(key);
    if (given !== undefined) inner.set(key, given);
    else if (parameter.type === "Identifier") {
      inner.set(key, new Undefined(`parameter '${key}' was not provided`));
    } else inner.set(key, evaluated(parameter.value, inner));
  }
  inner.set("varargs", new Tuple(args.slice(parameters.length)));
  const caller = rest.get("caller");
  if (caller !== undefined) inner.set("caller", caller);
  const [unknown] = [...rest.keys()].filter((key) => key !== "caller");
  if (unknown !== undefined) {
    throw new TemplateError(`${name} takes no keyword argument '${unknown}'`);
  }
}

function callBlock({ call, callerArgs, body }: CallStatement, scope: Scope): Value {
  const caller = macroOf("caller", callerArgs ?? [], body, scope);
  const key: Identifier = { type: "Identifier", value: "caller" };
  const inner = scope.inner(new Map([["(caller)", caller]]));
  const value: Identifier = { type: "Identifier", value: "(caller)" };
  const args = [...call.args, { type: "KeywordArgumentExpression" as const, key, value }];
  return called(evaluated(call.callee, scope), { args }, inner);
}
