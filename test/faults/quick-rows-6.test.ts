import { expectQuickRows } from './support/quick-rows.js';

expectQuickRows(6);
