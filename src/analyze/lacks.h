/* What a source says that it lacks, in words: for those who read its packets as if they were all. */
#ifndef WEIR_ANALYZE_LACKS_H
#define WEIR_ANALYZE_LACKS_H

#include "weir/reader.h"

#define LACKS_TEXT 256

/* "grade complete-with-loss; 9 packets lost; 93 packets of 10 segments were removed".  False, and an empty
 * text, where it lacks nothing that it knows of. */
bool lacks_describe(const struct standing *of, char text[LACKS_TEXT]);

#endif
