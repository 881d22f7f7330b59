// SPDX-License-Identifier: Apache-2.0

export { checkInteger, checkKeys, checkName, checkNumber } from '../core/check.js';
