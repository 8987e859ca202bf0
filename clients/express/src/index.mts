// The same module for `import`: one implementation, so that a service may use both.
export * from "./index.cjs";
