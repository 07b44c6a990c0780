/**
 * Where OwlEval was published, at the commit whose files are meant. Pictures and texts are not a part of this package:
 * their authors' terms are those of that repository.
 */
export const publishedAddress =
  "https://raw.githubusercontent.com/X-PLUG/mPLUG-Owl/21ff9b0bd301fa8d7be107a5ed85b34278eca64f/mPLUG-Owl/OwlEval";

/** A published file: its path, its length in bytes and its SHA-256. */
export type PublishedFile = readonly [path: string, bytes: number, sha256: string];

/** All of OwlEval: the questions, the answers of six systems, the fifty pictures. */
export const publishedFiles: readonly PublishedFile[] = [
  ["OwlEval.md", 2130, "617d8c7b16c8b527f4c78a25c8db7dcc66e2b4635d894f3ee77be9bbe6208813"],
  ["questions.jsonl", 12_935, "19a2fb0d2c17d6c31c72f779958cae5ed3d730d669f05e65142bcab1dbd1c7a6"],
  ["answer/MMreact_answer.jsonl", 42_238, "25076efe7b6874d205af6eb69ef1ca861cd3003e8d249eb829014f1374be5016"],
  [
    "answer/blip2_13b_answer.jsonl",
    14_376,
    "a1e4357c2e9aa49d5cd4155a33ef89b3a76ae386817125eb033fe82780d1eccd",
  ],
  [
    "answer/llava_13b_answer.jsonl",
    50_228,
    "c8bfc00fa21571641af470e9f5aa639ee7b27ec10bbb0f458e70d6215bcf91fb",
  ],
  [
    "answer/mPLUG_Owl_7b_answer.jsonl",
    57_888,
    "78c06a6ae726c223e1048cdfc5e762670fd761cad7b01e818a9833c2e462c30c",
  ],
  [
    "answer/minigpt4_13b_answer.jsonl",
    51_976,
    "5e29d10ef125c60853df01b62fd8ae7ccfa91717159b0232a21d60cf53533de8",
  ],
  [
    "answer/openflanmingo_answer.jsonl",
    18_756,
    "fb50184c565f7b1ec29e540a9da00f8a82d399d9e7cf4783b10c41b43c0a191e",
  ],
  ["cases/1.jpg", 346_151, "462ae6e6923fe91d0cfbd67db8792dfd1e3cfab1e646a62ed6db0bad656deebf"],
  ["cases/2.jpg", 126_469, "e56f431a74ecdda2e0b5262a3ec29ed339ef2c24e232bcb83db444d1ac1df2c6"],
  ["cases/3.jpg", 295_471, "8efccea32d1d0ae82c27cbf8e5db3901284e9bdd4e9b85a4165f8c01ebe82a23"],
  ["cases/4.jpg", 284_944, "14d13204fe88b36f43d3d7fc572b621e0472c0da893b02fed4e68fd86657664a"],
  ["cases/5.jpg", 297_103, "b2c3236e3bf80ccf46c6dab3ced3380ffbf177f37327d22be3dc7c93ad200cd3"],
  ["cases/6.jpg", 282_403, "38d9a87cee98df8f3fdf6512531943674b3be96a31e57bfe796c272e452a4ce0"],
  ["cases/7.jpg", 201_522, "bd432b3675b3aee5953bcac63ddf2c53bec9a64c8a8b3889c2887c3a00db8675"],
  ["cases/8.jpg", 64_883, "51dfe166703b61b55e15e91f6c0c1eb60cb0609378643a22a7edaad99935ae90"],
  ["cases/9.jpg", 42_473, "19b1bcd7b586426ec87f44ae4f09146a8ab53e084e506ac107d7b522ac7ecc3a"],
  ["cases/10.jpg", 152_843, "dd462115c21e47616a67efe42d781596fff7c9114c2eac020b6b94115cf4427f"],
  ["cases/11.jpg", 116_824, "d8648e543bd5ad4e644ff64b6b56dcf4921c869221cfc5c240e8fc2793677cfb"],
  ["cases/12.jpg", 134_475, "722316e90afd18ca8065209aae66e0ba69c7b1ce5ebd4662c8d4b5162a14cedf"],
  ["cases/13.jpg", 211_474, "a04c231d023e654dfd3e4e3b4ca8ec66700966e75ae87c4f8077c5e5bcb59f79"],
  ["cases/14.jpg", 338_342, "ab33a9cdf779e5cbb93a2a74bcb1f5a1d82613cf0cc528fbf0c1f0c6acc8dea0"],
  ["cases/15.jpg", 90_087, "8385352122165450330f9635800a166109bb53e4aac031899e688f728130b307"],
  ["cases/16.jpg", 106_854, "71d918cc474c72bbd8efca98c81716e47b6347b45ccb4e7a5c08200515aa0f55"],
  ["cases/17.jpg", 141_147, "09e7d1de94589f5fbd19b669496cf51e95dcc8691fc98e059f89eb045ea4c09f"],
  ["cases/18.jpg", 155_339, "ca702abe0426ccb4d976fecee6c67a7e9e95782479f3bbd1df3a0b4a3873182e"],
  ["cases/19.jpg", 126_625, "7ff1952cad052d1b0f3d29e0b3a4db4b80ce59e1a823b014c5ecfcdcbacdedd5"],
  ["cases/20.jpg", 100_965, "a2045b190b062684a6ad8a3f7884cfa889262d2f0157e73a7c0c4355c1d4e187"],
  ["cases/21.jpg", 95_358, "7cdc3080fa74bf0b0488ba626d889529fe5db94e17af83ce2f994cc3c5e34ff3"],
  ["cases/22.jpg", 77_015, "9400d85a0310c4e800c2c1623bd7a528a18180ab074625b038214fc48aea8bf6"],
  ["cases/23.jpg", 102_076, "1778de46b16e14bce1c3b4526cf3f856ad23ad133595b42edbff6f57e45c7f66"],
  ["cases/24.jpg", 90_398, "1af5415b064bd22828d42703d78e633ae5980f26dfe4bc2eabae8f20d9c2cb43"],
  ["cases/25.jpg", 75_631, "a86be7106eec7c53c527f5bfbaf62cb87b7e72ceabedb1c290f2272822ee0189"],
  ["cases/26.jpg", 106_366, "4eb9b54c4f985cf82a40574cafc8737ad9a83ba76c4aca88ae5ee42b98601d9e"],
  ["cases/27.jpg", 128_163, "0d32881aad381279eba3dc247979a32794470e0f83c97298d0c5ac1fc93fbc5a"],
  ["cases/28.jpg", 182_698, "3f0036ec566538e0c13adb6e40d53cafa7fefe21a42f2080b3dbc8c14430b30a"],
  ["cases/29.jpg", 128_783, "f17301e8f950545491329d604399afb9a867a8deaee856af2045d9808cd4db21"],
  ["cases/30.jpg", 100_695, "018586eab70fecaf3abd24f40ac0c4fa9c8b8c672afe619e81427b90fcfeda4b"],
  ["cases/31.jpg", 141_511, "702b3ee4af51df3279a3149be9083eeb876a8dda191123fded0d5b49df4fa7ba"],
  ["cases/32.jpg", 116_144, "b1a70cecef447e24746dc2b3ab7b92d5f8ad9a0a37691fcb3bdf089de189505b"],
  ["cases/33.jpg", 134_906, "3fe7782113f435b920c176a4f2c1a4bf544bdb0fc698432008ff4f635dee914f"],
  ["cases/34.jpg", 88_995, "536a6e22e899d764f8ddaf20db32430e78e0468de36f7b0c83bc7947ea11bf26"],
  ["cases/35.jpg", 176_109, "14c354bd4bd2c8b28528ec9f3cdb4ae101301604242952ebecfe1d4a92d07ec2"],
  ["cases/36.jpg", 187_084, "85b932b72edddba1bd340d6a756ec03adc2f364e5cc05b7d479cb4edf285ad39"],
  ["cases/37.jpg", 177_762, "745db4cbd7dbef92620e4f01e5a15d2f86be6042b442da537a9580d159588882"],
  ["cases/38.jpg", 141_863, "71531c4970d6a1cc907100221488465a035fc6047044d6eeffbad94d10038f62"],
  ["cases/39.jpg", 210_662, "ae8243d9c0b8a254774ec30d0db9c5799208d3f9b7477bdf275617a200735841"],
  ["cases/40.jpg", 102_574, "5cb9c6108b8df453900e3a24f4218e8c5802ee55b51968df1727cd9957ee65b3"],
  ["cases/41.jpg", 124_368, "552f4dd3d8b909dd7c19a9776eae634bf2dd3e4692bb2ddd5469abf0f057d130"],
  ["cases/42.jpg", 218_010, "e0b62ecf7236c264f99b9053aa6eaff6178f45b7c638029bf6f146f46ebb91a6"],
  ["cases/43.jpg", 158_468, "3083535fc3b51e2dfbcc6b3d21bf0bd7405b4933a122fe9fa13b737f493eed64"],
  ["cases/44.jpg", 101_178, "50ac715556ce5926be02ffa573338ef2ceeaee3fbca53aaff69d4f1b6962d6a3"],
  ["cases/45.jpg", 94_263, "bc34dd1fbdac2ca8c7e43829925a3dd072bfa41e9bfc384d46cfd2e953c82d49"],
  ["cases/46.jpg", 83_193, "6f2f60d30877abc6b24d6389460e6da91524701f6c76e0a0904dfd9bc753452c"],
  ["cases/47.jpg", 26_866, "8b9f356f66765d9779ec043f0a7f195b305c09398702cc53ccd1dec2a925eb39"],
  ["cases/48.jpg", 49_960, "f1aa7abb2d16bcc532a1b5a8765bd37ddc77b51d92664de4e4c2321e3199b699"],
  ["cases/49.jpg", 708_374, "dc4fb1180f2c672c54ad303e3efabcabb923404dbc2f5b7d64f9fec14be5cad9"],
  ["cases/50.jpg", 122_979, "87d101ea53fe5b0cb2ffe7bf5f780127a9003b0e7dab71cc0b174b5409198d84"],
];
