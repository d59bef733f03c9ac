/* The field table as others see it. */
#include "base/compiler.h"
#include "filter/field.h"

static const char *type_of(const struct field *f)
{
	switch ((enum field_format)f->format) {
	case FORMAT_FLAG:
		return "flag";
	case FORMAT_IPV4:
		return "IPv4 address";
	case FORMAT_IPV6:
		return "address";
	case FORMAT_LAYER:
		return "layer";
	case FORMAT_EVENT:
		return "event";
	case FORMAT_TEXT:
		return "string";
	case FORMAT_TIME:
		return "time";
	case FORMAT_DECIMAL:
	case FORMAT_HEX:
	default:
		break;
	}
	if (f->is_signed)
		return f->low ? "-30000..30000" : "64 bits, signed";
	return f->bits == 4    ? "0..15"
	       : f->bits == 8  ? "0..255"
	       : f->bits == 13 ? "0..8191"
	       : f->bits == 16 ? "0..65535"
	       : f->bits == 64 ? "64 bits"
			       : "32 bits";
}

static const char *layers_of(const struct field *f)
{
	static const char *const texts[] = {
		"-----", "N----", "-M---", "NM---", "--F--", "N-F--", "-MF--", "NMF--",
		"---S-", "N--S-", "-M-S-", "NM-S-", "--FS-", "N-FS-", "-MFS-", "NMFS-",
		"----R", "N---R", "-M--R", "NM--R", "--F-R", "N-F-R", "-MF-R", "NMF-R",
		"---SR", "N--SR", "-M-SR", "NM-SR", "--FSR", "N-FSR", "-MFSR", "NMFSR",
	};

	return texts[(f->layers | f->more_layers) & LAYER_ALL];
}

bool filter_field_at(size_t index, struct filter_field *out)
{
	const struct field *f = &field_table[index], *needs;

	if (index >= field_count())
		return false;
	needs = f->needs ? field_of_header((enum header)f->needs) : NULL;
	*out = (struct filter_field){ .name = f->name,
				      .help = f->help,
				      .layers = layers_of(f),
				      .needs = needs ? needs->name : "",
				      .type = type_of(f),
				      .is_array = field_is_array(f),
				      .is_extension = !f->layers };
	return true;
}
