/* `weir filter eval`: cases in, verdicts out, one JSON object a line. */
#ifndef WEIR_CLI_FILTER_CASES_H
#define WEIR_CLI_FILTER_CASES_H

#include "weir/error.h"

#include <stdio.h>

/* Judges each case of the open file as WinDivert would.  The error names the line. */
int filter_cases_run(FILE *in, FILE *out, struct weir_error *err);

#endif
