import { attributeOf, sliceOf } from "./attributes.ts";
import { TemplateError } from "./error.ts";
import { filtered } from "./filters.ts";
import type { Argument, Binary, Call, Expression, Identifier, Node, Slice } from "./nodes.ts";
import { binary } from "./operators.ts";
import { holds } from "./predicates.ts";
import type { Scope } from "./scope.ts";
import {
  Callable,
  dictionaryOf,
  exact,
  Float,
  isTrue,
  itemsOf,
  numberOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** The value of an expression. @throws TemplateError where Jinja refuses it */
export function valueOfExpression(node: Expression, scope: Scope): Value {
  const value = (inner: Node): Value => valueOfExpression(inner as Expression, scope);
  switch (node.type) {
    case "IntegerLiteral":
      return exact(node.value);
    case "StringLiteral":
      return node.value;
    case "FloatLiteral":
      return new Float(node.value);
    case "ArrayLiteral":
      return node.value.map(value);
    case "TupleLiteral":
      return new Tuple(node.value.map(value));
    case "ObjectLiteral":
      return dictionaryOf([...node.value].map(([key, item]) => [value(key), value(item)]));
    case "Identifier":
      return constants.has(node.value) ? constants.get(node.value)! : scope.get(node.value);
    case "CallExpression":
      return called(value(node.callee), node, scope);
    case "MemberExpression":
      return member(value(node.object), node, scope);
    case "UnaryExpression":
      return unary(node.operator.value, value(node.argument));
    case "BinaryExpression":
      return ofBinary(node, value);
    case "FilterExpression":
      return applied(value(node.operand), node.filter, scope);
    case "TestExpression":
      return holds(node.test.value, value(node.operand)) !== node.negate;
    case "SelectExpression":
      if (isTrue(value(node.test))) return value(node.lhs);
      return new Undefined("the inline if-expression evaluated to false and no else section was defined.");
    case "Ternary":
      return isTrue(value(node.condition)) ? value(node.trueExpr) : value(node.falseExpr);
    default:
      throw new TemplateError(`${(node as Node).type} is not computed here`);
  }
}

const constants: ReadonlyMap<string, Value> = new Map([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);

/** A filter on a value. */
export function applied(value: Value, filter: Identifier | Call, scope: Scope): Value {
  if (filter.type === "Identifier") return filtered(filter.value, value, [], new Map());
  const { list, named } = argumentsOf(filter.args, scope);
  return filtered((filter.callee as Identifier).value, value, list, named);
}

/** What a call gives. */
export function called(callee: Value, { args }: Pick<Call, "args">, scope: Scope): Value {
  if (callee instanceof Undefined) throw new TemplateError(callee.hint);
  if (!(callee instanceof Callable)) throw new TemplateError(`'${typeName(callee)}' object is not callable`);
  const { list, named } = argumentsOf(args, scope);
  return callee.call(list, named);
}

function argumentsOf(
  args: readonly Argument[],
  scope: Scope,
): { readonly list: Value[]; readonly named: Map<string, Value> } {
  const list: Value[] = [];
  const named = new Map<string, Value>();
  for (const argument of args) {
    if (argument.type === "KeywordArgumentExpression") {
      named.set(argument.key.value, valueOfExpression(argument.value as Expression, scope));
    } else if (argument.type === "SpreadExpression") {
      list.push(...itemsOf(valueOfExpression(argument.argument as Expression, scope)));
    } else if (argument.type === "KeywordSpreadExpression") {
      const more = valueOfExpression(argument.argument as Expression, scope);
      if (!(more instanceof Map))
        throw new TemplateError(`argument after ** must be a mapping, not ${typeName(more)}`);
      for (const [key, value] of more) named.set(key, value);
    } else list.push(valueOfExpression(argument as Expression, scope));
  }
  return { list, named };
}

function member(
  object: Value,
  { property, computed }: { readonly property: Node | Slice; readonly computed: boolean },
  scope: Scope,
): Value {
  const value = (node: Node | undefined): Value | undefined =>
    node === undefined ? undefined : valueOfExpression(node as Expression, scope);
  if (property.type === "SliceExpression") {
    return sliceOf(object, [value(property.start), value(property.stop), value(property.step)]);
  }
  if (!computed && property.type === "Identifier") return attributeOf(object, property.value, false);
  return attributeOf(object, value(property)!, true);
}

function unary(operator: string, value: Value): Value {
  if (operator === "not") return !isTrue(value);
  const number = numberOf(value);
  if (value instanceof Undefined) throw new TemplateError(value.hint);
  if (number === undefined)
    throw new TemplateError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  const signed = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(signed) : signed;
}

function ofBinary({ operator, left, right }: Binary, value: (node: Node) => Value): Value {
  const first = value(left);
  if (operator.value === "and") return isTrue(first) ? value(right) : first;
  if (operator.value === "or") return isTrue(first) ? first : value(right);
  return binary(operator.value, first, value(right));
}
