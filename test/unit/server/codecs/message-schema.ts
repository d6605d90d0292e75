import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type FieldDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_struct,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;
interface FieldDetails {
  readonly label?: Label;
  readonly typeName?: string;
}

const field = (
  name: string,
  number: number,
  type: Type,
  details: FieldDetails = {},
): FieldInit => ({
  name,
  number,
  type,
  label: Label.OPTIONAL,
  jsonName: name,
  ...details,
});
const repeated = { label: Label.REPEATED };

/** A file of two versions of the language, with every kind of field. */
const FILES: FileDescriptorSet = create(FileDescriptorSetSchema, {
  file: [
    file_google_protobuf_any.proto,
    file_google_protobuf_struct.proto,
    {
      name: 'shop.proto',
      package: 'shop',
      syntax: 'proto3',
      dependency: ['google/protobuf/any.proto', 'google/protobuf/struct.proto'],
      messageType: [
        {
          name: 'Node',
          field: [
            field('name', 1, Type.STRING),
            field('child', 2, Type.MESSAGE, { typeName: '.shop.Node' }),
            field('children', 3, Type.MESSAGE, { ...repeated, typeName: '.shop.Node' }),
            field('big', 4, Type.UINT64),
            field('counts', 5, Type.SINT32, repeated),
            field('ratio', 6, Type.DOUBLE),
            field('data', 7, Type.BYTES),
            field('labels', 8, Type.MESSAGE, { ...repeated, typeName: '.shop.Node.LabelsEntry' }),
            field('color', 9, Type.ENUM, { typeName: '.shop.Color' }),
            field('extra', 10, Type.MESSAGE, { typeName: '.google.protobuf.Any' }),
            field('tree', 11, Type.MESSAGE, { typeName: '.google.protobuf.Value' }),
            field('fixed', 12, Type.FIXED32, repeated),
          ],
          nestedType: [
            {
              name: 'LabelsEntry',
              field: [field('key', 1, Type.STRING), field('value', 2, Type.INT64)],
              options: { mapEntry: true },
            },
          ],
        },
      ],
      enumType: [
        {
          name: 'Color',
          value: [
            { name: 'NONE', number: 0 },
            { name: 'RED', number: 1 },
          ],
        },
      ],
    },
    {
      name: 'old.proto',
      package: 'old',
      syntax: 'proto2',
      messageType: [
        {
          name: 'Note',
          field: [
            field('text', 1, Type.STRING),
            field('mark', 2, Type.ENUM, { typeName: '.old.Mark' }),
            field('part', 3, Type.GROUP, { typeName: '.old.Note.Part' }),
          ],
          nestedType: [{ name: 'Part', field: [field('size', 1, Type.INT32)] }],
        },
      ],
      enumType: [{ name: 'Mark', value: [{ name: 'GOOD', number: 1 }] }],
    },
  ],
});

export const DESCRIPTOR_SET: Uint8Array = toBinary(FileDescriptorSetSchema, FILES);

export const registry: FileRegistry = createFileRegistry(FILES);

export function messageType(name: string): DescMessage {
  const type = registry.getMessage(name);
  if (type === undefined) throw new Error(`the test has no message type ${name}`);
  return type;
}
