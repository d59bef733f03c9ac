/* The grades' names, for those who read them and do not write a store. */
#include "store/store.h"

#include <string.h>

const char *grade_name(enum store_grade g)
{
	static const char *const names[] = { "complete", "complete-with-loss",
					     "incomplete" };

	return names[g];
}

enum store_grade grade_of(const char *name)
{
	enum store_grade g = GRADE_COMPLETE;

	while (g < GRADE_INCOMPLETE && strcmp(name, grade_name(g)) != 0)
		g++;
	return g;
}
