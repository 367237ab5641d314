import js from "@eslint/js";
import vue from "eslint-plugin-vue";
import ts from "typescript-eslint";

// Text from others must never become HTML.
const noHtml = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "createContextualFragment"].map(
  (property) => ({ property, message: "Text is never put in as HTML; let Vue write text nodes." }),
);

export default ts.config(
  { ignores: ["node_modules", "dist"] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.vue"],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    rules: {
      "no-undef": "off", // TypeScript knows better
      "no-restricted-properties": ["error", ...noHtml],
      "vue/no-v-html": "error",
      "vue/html-indent": "off",
      "vue/html-self-closing": "off",
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/multiline-html-element-content-newline": "off",
      "vue/html-closing-bracket-newline": "off",
    },
  },
);
