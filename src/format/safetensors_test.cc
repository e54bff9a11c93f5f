#include "format/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "support/message_of.h"

namespace sooner {
namespace {

using testing::HasSubstr;

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// A file of this header and `data` zero bytes.
std::vector<std::byte> file_of(std::string_view header, size_t data) {
  const uint64_t length = header.size();
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  text += header;
  text.append(data, '\0');
  return bytes_of(text);
}

std::string refusal(std::string_view header, size_t data) {
  return message_of(Code::kDataLoss, [&] { parse_safetensors(file_of(header, data), "bad.safetensors"); });
}

std::string entry(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":{}}})", dtype, shape, offsets);
}

std::string one(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return fmt::format(R"({{"a":{}}})", entry(dtype, shape, offsets));
}

TEST(Safetensors, RoundTripsEveryElementType) {
  Safetensors contents;
  contents.metadata = {{"format", "pt"}, {"q\"uote", "a\nb"}};
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kS8, DType::kU8, DType::kI32, DType::kI64}) {
    Tensor tensor(dtype, {3, 1});
    for (size_t i = 0; i < tensor.bytes(); ++i) tensor.raw()[i] = static_cast<std::byte>(17 * i + 1);
    contents.tensors[std::string("t.") + std::string(to_string(dtype))] = tensor;
  }
  contents.tensors["scalar"] = Tensor(DType::kF32, {});
  contents.tensors["empty"] = Tensor(DType::kF32, {0, 5});
  const std::vector<std::byte> file = serialize_safetensors(contents);
  const Safetensors again = parse_safetensors(file, "memory");
  EXPECT_EQ(again.metadata, contents.metadata);
  ASSERT_EQ(again.tensors.size(), contents.tensors.size());
  for (const auto& [name, tensor] : contents.tensors) {
    const Tensor& other = again.tensors.at(name);
    EXPECT_EQ(other.dtype(), tensor.dtype()) << name;
    EXPECT_EQ(other.shape(), tensor.shape()) << name;
    ASSERT_EQ(other.bytes(), tensor.bytes()) << name;
    if (tensor.bytes() == 0) continue;
    EXPECT_EQ(std::memcmp(other.raw().data(), tensor.raw().data(), tensor.bytes()), 0) << name;
    EXPECT_EQ(std::memcmp(file.data() + again.data_offsets.at(name), tensor.raw().data(), tensor.bytes()), 0) << name;
    EXPECT_EQ(again.data_offsets.at(name) % size_of(tensor.dtype()), 0U) << name;
  }
  EXPECT_EQ(serialize_safetensors(again), file);
}

TEST(Safetensors, ReadsAnEmptyContainer) {
  EXPECT_TRUE(parse_safetensors(file_of("{}", 0), "empty").tensors.empty());
  EXPECT_TRUE(parse_safetensors(file_of("{\"__metadata__\":{}}   ", 0), "empty").tensors.empty());
}

TEST(Safetensors, RefusesABadHeaderLength) {
  const auto refused = [](std::string_view text) {
    return message_of(Code::kDataLoss, [&] { parse_safetensors(bytes_of(text), "f"); });
  };
  EXPECT_THAT(refused(""), HasSubstr("byte 0: the file ends"));
  EXPECT_THAT(refused("1234567"), HasSubstr("byte 7: the file ends"));
  EXPECT_THAT(refused({"\0\0\0\0\0\0\0\0", 8}), HasSubstr("header length of 0"));
  EXPECT_THAT(refused({"\3\0\0\0\0\0\0\0{}", 10}), HasSubstr("only 2 bytes follow"));
  EXPECT_THAT(refused("\xff\xff\xff\xff\xff\xff\xff\xff{}"), HasSubstr("18446744073709551615"));
  EXPECT_THAT(refused({"\0\0\0\0\1\0\0\0{}", 10}), HasSubstr("4294967296"));
  EXPECT_THAT(refused("PK\3\4 a zip file instead"), HasSubstr("is this a .safetensors file?"));
}

TEST(Safetensors, RefusesAFileCutAtAnyByteOrWithOneTooMany) {
  Safetensors contents;
  contents.metadata = {{"format", "pt"}};
  contents.tensors["a"] = Tensor(DType::kF32, {3});
  contents.tensors["b"] = Tensor(DType::kU8, {2});
  std::vector<std::byte> file = serialize_safetensors(contents);
  for (size_t length = 0; length < file.size(); ++length) {
    message_of(Code::kDataLoss, [&] { parse_safetensors(std::span(file).first(length), "cut"); });
  }
  file.push_back({});
  EXPECT_THAT(message_of(Code::kDataLoss, [&] { parse_safetensors(file, "long"); }), HasSubstr("no tensor"));
}

TEST(Safetensors, RefusesAHeaderThatIsNotPlainJson) {
  EXPECT_THAT(refusal(" {}", 0), HasSubstr("byte 8: the header does not start with '{'"));
  EXPECT_THAT(refusal("[]", 0), HasSubstr("byte 8"));
  EXPECT_THAT(refusal("{\"a\":}", 0), HasSubstr("byte 13: not valid JSON"));
  EXPECT_THAT(refusal("{} x", 0), HasSubstr("byte 11: not valid JSON"));
  EXPECT_THAT(refusal("{\"\xff\":1}", 0), HasSubstr("byte 10: not valid JSON"));
  EXPECT_THAT(refusal("{\"a\":1e999}", 0), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(std::string("{\"a\0b\":1}", 9), 0), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(R"({"__metadata__":[]})", 0), HasSubstr("__metadata__"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"format":1}})", 0), HasSubstr("expected a string"));
}

TEST(Safetensors, RefusesDeepAndEndlessJson) {
  EXPECT_THAT(refusal(fmt::format("{{\"a\":{}{}}}", std::string(100'000, '['), std::string(100'000, ']')), 0),
              HasSubstr("byte 44: got JSON nested over 32 levels deep"));
  std::string many = "{\"a\":[0";
  for (int i = 0; i < (1 << 20); ++i) many += ",0";
  EXPECT_THAT(refusal(many + "]}", 0), HasSubstr("more than 1048576 JSON values"));
}

TEST(Safetensors, RefusesANameTwice) {
  const std::string twice =
      fmt::format(R"({{"a":{},"a":{}}})", entry("U8", "[1]", "[0,1]"), entry("U8", "[1]", "[1,2]"));
  EXPECT_THAT(refusal(twice, 2), HasSubstr("byte 63: got the key 'a' for the second time"));
  // Also where one of the two is written with an escape.
  const std::string hidden =
      fmt::format(R"({{"a":{},"\u0061":{}}})", entry("U8", "[1]", "[0,1]"), entry("U8", "[1]", "[1,2]"));
  EXPECT_THAT(refusal(hidden, 2), HasSubstr("second time"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
              HasSubstr("'dtype' for the second time"));
}

TEST(Safetensors, RefusesHostileNames) {
  const std::string body = fmt::format(":{}}}", entry("U8", "[1]", "[0,1]"));
  EXPECT_THAT(refusal("{\"\"" + body, 1), HasSubstr("is no tensor name"));
  EXPECT_THAT(refusal(R"({"a\n\u001b[31mb")" + body, 1), HasSubstr("'a??[31mb' is no tensor name"));
  EXPECT_THAT(refusal(fmt::format("{{\"{}\"{}", std::string(513, 'x'), body), 1), HasSubstr("..."));
}

TEST(Safetensors, RefusesEntriesWithForeignMembers) {
  EXPECT_THAT(refusal(R"({"a":1})", 0), HasSubstr("expected an object"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[0]}})", 0), HasSubstr("'data_offsets' is missing"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":0}})", 0),
              HasSubstr("unknown key 'x'"));
  EXPECT_THAT(refusal(one("F16", "[1]", "[0,2]"), 2), HasSubstr("got element type 'F16'"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":4,"shape":[0],"data_offsets":[0,0]}})", 0),
              HasSubstr("tensor 'a'.dtype: expected a string"));
}

TEST(Safetensors, RefusesImpossibleShapes) {
  EXPECT_THAT(refusal(one("U8", "[-1]", "[0,1]"), 1), HasSubstr("got -1"));
  EXPECT_THAT(refusal(one("U8", "[1.0]", "[0,1]"), 1), HasSubstr("got 1.0"));
  EXPECT_THAT(refusal(one("U8", "[18446744073709551615]", "[0,1]"), 1), HasSubstr("got 18446744073709551615"));
  EXPECT_THAT(refusal(one("U8", "[\"1\"]", "[0,1]"), 1), HasSubstr("got \"1\""));
  EXPECT_THAT(refusal(one("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]"), 1), HasSubstr("17 elements"));
  // 2^40 * 2^40 * 4 wraps to 0 in 64 bits.
  EXPECT_THAT(refusal(one("F32", "[1099511627776,1099511627776]", "[0,0]"), 0), HasSubstr("needs more than the 0"));
  EXPECT_THAT(refusal(one("F32", "[3]", "[0,8]"), 8), HasSubstr("needs more than the 8"));
  EXPECT_THAT(refusal(one("F32", "[1]", "[0,8]"), 8), HasSubstr("got 8 bytes of data, expected 4"));
  EXPECT_THAT(refusal(one("F32", "[0]", "[0,4]"), 4), HasSubstr("got 4 bytes of data, expected 0"));
}

TEST(Safetensors, RefusesImpossibleOffsets) {
  EXPECT_THAT(refusal(one("U8", "[1]", "[1,0]"), 1), HasSubstr("no [begin, end] pair"));
  EXPECT_THAT(refusal(one("U8", "[1]", "[0]"), 1), HasSubstr("no [begin, end] pair"));
  EXPECT_THAT(refusal(one("U8", "[1]", "[-1,0]"), 1), HasSubstr("got -1"));
  EXPECT_THAT(refusal(one("U8", "[2]", "[0,2]"), 1), HasSubstr("from 0 to 1"));
  EXPECT_THAT(refusal(one("U8", "[1]", "[0,1]"), 3), HasSubstr("2 bytes belong to no tensor"));
  EXPECT_THAT(refusal("{}", 1), HasSubstr("byte 10: 1 bytes belong to no tensor"));
  EXPECT_THAT(refusal(one("U8", "[1]", "[1,2]"), 2), HasSubstr("a gap"));
  const auto pair = [](std::string_view first, std::string_view second) {
    return fmt::format(R"({{"a":{},"b":{}}})", entry("U8", "[2]", first), entry("U8", "[2]", second));
  };
  EXPECT_THAT(refusal(pair("[0,2]", "[1,3]"), 3), HasSubstr("tensors overlap"));
  EXPECT_THAT(refusal(pair("[0,2]", "[0,2]"), 2), HasSubstr("tensors overlap"));
  EXPECT_THAT(refusal(pair("[0,2]", "[3,5]"), 5), HasSubstr("a gap"));
  EXPECT_EQ(parse_safetensors(file_of(pair("[2,4]", "[0,2]"), 4), "swapped").data_offsets.at("b") + 2,
            parse_safetensors(file_of(pair("[2,4]", "[0,2]"), 4), "swapped").data_offsets.at("a"));
  const std::string odd =
      fmt::format(R"({{"a":{},"b":{}}})", entry("U8", "[1]", "[0,1]"), entry("F32", "[1]", "[1,5]"));
  EXPECT_THAT(refusal(odd, 5), HasSubstr("not aligned"));
}

TEST(Safetensors, NamesTheFileInOneLine) {
  const std::string message = message_of(Code::kDataLoss, [] { parse_safetensors({}, "evil\nname"); });
  EXPECT_THAT(message, HasSubstr("[safetensors 'evil?name']"));
}

TEST(Safetensors, RefusesToWriteNamesItWouldNotRead) {
  for (const std::string name : {"", "__metadata__", "a\nb", "\xff"}) {
    Safetensors contents;
    contents.tensors[name] = Tensor(DType::kU8, {1});
    message_of(Code::kInvalidArgument, [&] { serialize_safetensors(contents); });
  }
}

}  // namespace
}  // namespace sooner
