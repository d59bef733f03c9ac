#include "capture/crew.h"

void crew_choose(struct crew *c, unsigned processors)
{
	bool is_one = processors <= CREW_SHARED;

	*c = (struct crew){
		.processors = processors,
		.is_one_thread = is_one,
		.sniff =
			is_one ? "one thread captures and writes: with one or two processors "
				 "handing over costs more than it gains"
			       : "one thread captures, one writes: there is a processor for each",
		.divert =
			"one thread answers the kernel, one writes: no verdict waits for the "
			"disk",
		.waiting =
			"sleep until the kernel hands over a block, 50 ms at most: under load "
			"the next is there already, so looking for it gains nothing",
		.hashing =
			is_one ? "by the same thread while the ring is nearly empty, else by one "
				 "of idle priority, once a segment is closed"
			       : "by the thread that writes while the ring is nearly empty, else "
				 "by one of idle priority, once a segment is closed",
	};
}
