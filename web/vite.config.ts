import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// Everything stays in files of its own: the page's Content-Security-Policy
// allows no inline script, no inline style and no other host.
export default defineConfig({
  plugins: [vue()],
  define: {
    __VUE_OPTIONS_API__: "false",
  },
  build: {
    outDir: "../internal/page/dist/site",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/socket.io": { target: process.env.DAMSO_URL ?? "http://localhost:3000", ws: true },
    },
  },
});
