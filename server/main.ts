#!/usr/bin/env node
import { runCommandLine } from './cli/program.js';

// Ends even where something unforeseen would keep the process alive.
process.exit(await runCommandLine(process.argv.slice(2)));
