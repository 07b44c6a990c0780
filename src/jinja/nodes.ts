/** The tree that @huggingface/jinja makes of a template, as far as it is evaluated. */
export type Node =
  | { readonly type: "Comment" | "Break" | "Continue" }
  | {
      readonly type: "If";
      readonly test: Node;
      readonly body: readonly Node[];
      readonly alternate: readonly Node[];
    }
  | For
  | {
      readonly type: "Set";
      readonly assignee: Node;
      readonly value: Node | null;
      readonly body: readonly Node[];
    }
  | {
      readonly type: "Macro";
      readonly name: Identifier;
      readonly args: readonly Parameter[];
      readonly body: readonly Node[];
    }
  | CallStatement
  | { readonly type: "FilterStatement"; readonly filter: Identifier | Call; readonly body: readonly Node[] }
  | Expression;

export type Expression =
  | { readonly type: "IntegerLiteral" | "FloatLiteral"; readonly value: number }
  | { readonly type: "StringLiteral"; readonly value: string }
  | { readonly type: "ArrayLiteral" | "TupleLiteral"; readonly value: readonly Node[] }
  | { readonly type: "ObjectLiteral"; readonly value: ReadonlyMap<Node, Node> }
  | Identifier
  | Call
  | {
      readonly type: "MemberExpression";
      readonly object: Node;
      readonly property: Node | Slice;
      readonly computed: boolean;
    }
  | { readonly type: "UnaryExpression"; readonly operator: Operator; readonly argument: Node }
  | Binary
  | { readonly type: "FilterExpression"; readonly operand: Node; readonly filter: Identifier | Call }
  | {
      readonly type: "TestExpression";
      readonly operand: Node;
      readonly negate: boolean;
      readonly test: Identifier;
    }
  | Select
  | { readonly type: "Ternary"; readonly condition: Node; readonly trueExpr: Node; readonly falseExpr: Node };

export interface Identifier {
  readonly type: "Identifier";
  readonly value: string;
}
export interface Binary {
  readonly type: "BinaryExpression";
  readonly operator: Operator;
  readonly left: Node;
  readonly right: Node;
}
export interface Slice {
  readonly type: "SliceExpression";
  readonly start?: Node;
  readonly stop?: Node;
  readonly step?: Node;
}
/** `lhs if test`: a filtered iterable, or a value that is undefined unless the test holds. */
export interface Select {
  readonly type: "SelectExpression";
  readonly lhs: Node;
  readonly test: Node;
}
export interface For {
  readonly type: "For";
  readonly loopvar: Node;
  readonly iterable: Node;
  readonly body: readonly Node[];
  readonly defaultBlock: readonly Node[];
}
export interface CallStatement {
  readonly type: "CallStatement";
  readonly call: Call;
  readonly callerArgs: readonly Parameter[] | null;
  readonly body: readonly Node[];
}
export interface Call {
  readonly type: "CallExpression";
  readonly callee: Node;
  readonly args: readonly Argument[];
}
export type Argument =
  | Node
  | { readonly type: "KeywordArgumentExpression"; readonly key: Identifier; readonly value: Node }
  | { readonly type: "SpreadExpression" | "KeywordSpreadExpression"; readonly argument: Node };
export type Parameter =
  | Identifier
  | { readonly type: "KeywordArgumentExpression"; readonly key: Identifier; readonly value: Node };
interface Operator {
  readonly value: string;
}
