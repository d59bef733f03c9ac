/* How a table of ours says whose it is: the comment in its user data, "weir pid=P start=S pidns=N":
 * process id, its start in clock ticks since boot (a later process with the same id has another),
 * and the pid namespace that both are of. */
#ifndef WEIR_CAPTURE_NFT_LEFTOVER_H
#define WEIR_CAPTURE_NFT_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NFT_COMMENT 128

struct nft_owner {
	uint32_t pid;
	uint64_t start, pidns;
};

/* Of this process. */
void nft_comment_write(char *text, size_t size);
bool nft_comment_parse(const char *text, struct nft_owner *owner);
/* "weir_<pid>_<n>": the pid, or 0 where it is no name of ours; and the first queue. */
uint32_t nft_name_parse(const char *table, uint16_t *queue);

#endif
