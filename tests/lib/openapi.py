#!/usr/bin/env python3
"""openapi.py FILE [--whole | LINES...]: the description for programs holds together, and answers are as it says.

Without other tools: every $ref leads somewhere, every parameter of a path is declared and used, each
operation has a name of its own and an answer, schemas are of words that JSON Schema has.  --whole: the
whole specification, by openapi_spec_validator.  LINES: each of their lines is of the schema `Line`, by
jsonschema.  Prints what is wrong, a line each."""
import json
import re
import sys

api = json.load(open(sys.argv[1], encoding='utf-8'))
wrong = []
WORDS = {'type', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'const', 'oneOf', 'anyOf',
         'allOf', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'description', '$ref', 'format',
         'minProperties', 'maxProperties', 'default', 'title', 'contentEncoding', 'examples'}


def follow(ref):
    at = api
    for word in ref.removeprefix('#/').split('/'):
        at = at.get(word.replace('~1', '/').replace('~0', '~')) if isinstance(at, dict) else None
    return at


def walk(value, place):
    if isinstance(value, dict):
        if '$ref' in value and follow(value['$ref']) is None:
            wrong.append(f'{place}: {value["$ref"]} leads nowhere')
        for name, inner in value.items():
            if name == 'schema' and isinstance(inner, dict):
                schema(inner, f'{place}/schema')
            walk(inner, f'{place}/{name}')
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            walk(inner, f'{place}/{at}')


def schema(value, place):
    for word in set(value) - WORDS:
        wrong.append(f'{place}: {word} is no word of a schema')
    for inner in list(value.get('properties', {}).values()) + [
            s for word in ('oneOf', 'anyOf', 'allOf') for s in value.get(word, [])]:
        schema(inner, place)


def paths():
    names = set()
    for path, item in api['paths'].items():
        for verb, operation in item.items():
            if verb not in ('get', 'post'):
                wrong.append(f'{path}: {verb}')
                continue
            declared = {p['name'] for p in operation.get('parameters', []) if p.get('in') == 'path'}
            if declared != set(re.findall(r'{(\w+)}', path)):
                wrong.append(f'{path}: its parameters are not those declared: {declared}')
            if operation.get('operationId') in names or not operation.get('operationId'):
                wrong.append(f'{path}: no name of its own')
            names.add(operation.get('operationId'))
            for status, answer in operation.get('responses', {}).items():
                answer = follow(answer['$ref']) if '$ref' in answer else answer
                if not re.fullmatch(r'[2-5]\d\d', status) or 'description' not in answer:
                    wrong.append(f'{path}: answer {status} has no description')


if not api.get('openapi', '').startswith('3.1') or not api['info'].get('title') or not api['info'].get('version'):
    wrong.append('no head')
walk(api, '#')
paths()
for name, one in api['components']['schemas'].items():
    schema(one, f'#/components/schemas/{name}')
if sys.argv[2:] == ['--whole']:
    import openapi_spec_validator
    wrong += [e.message for e in openapi_spec_validator.OpenAPIV31SpecValidator(api).iter_errors()]
elif sys.argv[2:]:
    import jsonschema
    line = jsonschema.Draft202012Validator(dict(api, **{'$ref': '#/components/schemas/Line'}))
    for path in sys.argv[2:]:
        for text in open(path, encoding='utf-8'):
            wrong += [f'{path}: {e.message[:200]}' for e in line.iter_errors(json.loads(text))]
print('\n'.join(wrong))
