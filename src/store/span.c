#include "store/span.h"

#include "base/bytes.h"
#include "base/compiler.h"

size_t span_padded(const struct span *span)
{
	size_t end = (size_t)span->lead + span->length;
	size_t padded = ALIGN_UP(end, (size_t)SPAN_ALIGNMENT);

	if (padded != end && padded - end < SPAN_PAD_LEAST)
		padded += SPAN_ALIGNMENT;
	return padded <= span->capacity ? padded : 0;
}

static void close_pad(uint8_t *at, size_t length)
{
	(void)put_u32le(put_u32le(at, SPAN_PAD_TYPE), (uint32_t)length);
	(void)put_u32le(at + length - 4, (uint32_t)length);
}

void pad_put(uint8_t *at, size_t length)
{
	memset(at, 0, length);
	close_pad(at, length);
}

void span_pad(struct span *span, size_t padded)
{
	size_t end = (size_t)span->lead + span->length;

	if (span->lead) {
		memset(span->data + 12, 0, span->lead - 12);
		close_pad(span->data, span->lead);
	}
	if (padded > end)
		pad_put(span->data + end, padded - end);
}
