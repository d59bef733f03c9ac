/* WinDivert's address record (port/windivert_form.h): what is taken is written back the same, but
 * for what is reserved. */
#include "port/windivert_form.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[WINDIVERT_ADDRESS_BYTES], again[WINDIVERT_ADDRESS_BYTES];
	struct windivert_address a, b;

	if (windivert_address_read(&a, data, size))
		return 0;
	windivert_address_write(&a, bytes);
	if (memcmp(bytes, data, 11) != 0 ||
	    windivert_address_read(&b, bytes, sizeof bytes))
		abort();
	windivert_address_write(&b, again);
	if (memcmp(bytes, again, sizeof bytes) != 0)
		abort();
	return 0;
}
