import { expectQuickRows } from './support/quick-rows.js';

expectQuickRows(2);
