// SPDX-License-Identifier: Apache-2.0

/** None but the one that the bundler makes, for the page's policy allows only files; see vite.config.js. */
export default undefined;
