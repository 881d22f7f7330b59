// SPDX-License-Identifier: Apache-2.0
// Stylesheets are imported for the bundler; they export nothing. Assets' addresses are text.

declare module '*.css' {}
declare module '*.safetensors?url' {
  const address: string;
  export default address;
}
