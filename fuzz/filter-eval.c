/* A filter and packets made of the input, judged by the evaluator and by a naive model. */
#include "lib/filter_model.h"
#include "lib/filter_random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dice d = { .bytes = data, .left = size };
	struct filter_input in = { .packet = NULL };
	struct filter *f;
	uint8_t packet[512];
	char text[2000];

	(void)random_filter(&d, text, sizeof text, FILTER_NETWORK, 3);
	if (strstr(text, "random") ||
	    filter_compile(&f, text, FILTER_NETWORK, FILTER_WINDIVERT, NULL))
		return 0;
	for (int i = 0; i < 3; i++) {
		size_t n = random_packet(&d, packet);
		int got;

		filter_input_packet(&in, packet, n);
		in.address.is_outbound = roll(&d, 2);
		in.address.timestamp = (int64_t)roll(&d, 300) - 100;
		got = filter_match(f, &in);
		if ((got < 0 ? -1 : got) != model_match(text, &in))
			abort();
	}
	filter_free(f);
	return 0;
}
