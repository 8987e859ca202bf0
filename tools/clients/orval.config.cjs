module.exports = {
  contract: {
    input: { target: "../../api/openapi.yaml" },
    output: {
      target: "generated/orval/api.ts",
      client: "fetch",
      override: { mutator: { path: "flows/orval-fetch.ts", name: "request" } },
    },
  },
};
