#include "analyze/facts.h"

#include "base/compiler.h"
#include "store/iface.h"
#include "store/record.h"

const char *facts_base_name(const char *path, size_t *length)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/'; start--)
		;
	*length = end - start;
	return path + start;
}

enum link_direction facts_direction(const struct packet *p, const struct link *l)
{
	switch (p->flags & RECORD_DIRECTION) {
	case RECORD_INBOUND:
		return LINK_DIRECTION_IN;
	case RECORD_OUTBOUND:
		return LINK_DIRECTION_OUT;
	default:
		return l->direction;
	}
}

void facts_gather(struct facts *f, const struct merge *m, const struct packet *p)
{
	static const char *const words[] = { NULL, "in", "out" };
	const struct iface_info *info = merge_iface(m, p->iface);

	f->linktype = info->linktype;
	f->iface = info->name;
	f->source = facts_base_name(merge_source_path(m, merge_iface_source(m, p->iface)),
				    &f->source_length);
	headers_decode(&f->headers, info->linktype, p->data, p->caplen, p->len);
	f->direction = words[facts_direction(p, &f->headers.link)];
}
