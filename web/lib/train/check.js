// SPDX-License-Identifier: Apache-2.0

export { checkFloat, checkInteger, checkKeys, checkName, checkNumber } from '../core/check.js';
