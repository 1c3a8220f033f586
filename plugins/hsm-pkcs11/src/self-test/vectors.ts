const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** AES-256-GCM: McGrew and Viega, The Galois/Counter Mode of Operation, test case 16. */
export const gcmVector = {
  name: 'GCM test case 16',
  key: hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
  iv: hex('cafebabefacedbaddecaf888'),
  aad: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
  plaintext: hex(
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  ),
  /** With its tag of 16 bytes. */
  ciphertext: hex(
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
      '76fc6ece0f4e1768cddf8853bb2d551b',
  ),
}

/**
 * AES key wrap with padding of a multiple of 8 bytes, as everything that is wrapped here is. Modules differ in how they treat
 * other lengths, which the published examples have (RFC 5649 section 6), so there node:crypto is what is compared with.
 */
export const wrapInput = {
  key: Buffer.from(Array.from({ length: 32 }, (_, index) => index)),
  bytes: Buffer.from(Array.from({ length: 40 }, (_, index) => 0xff - index)),
}

/** HMAC: RFC 4231 section 4.7 (test case 6), whose key is long enough for tokens that refuse short ones. */
export const hmacVectors = {
  name: 'RFC 4231 test case 6',
  key: Buffer.alloc(131, 0xaa),
  data: Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
  macs: {
    'HMAC-SHA-256': hex('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'),
    'HMAC-SHA-384': hex(
      '4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952',
    ),
    'HMAC-SHA-512': hex(
      '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
    ),
  },
}

/** ECDSA: RFC 6979 section A.2.5, P-256 with SHA-256 over "sample". */
export const ecdsaVector = {
  name: 'RFC 6979 section A.2.5',
  /** The uncompressed point (SEC 1 section 2.3.3). */
  point: hex(
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
      '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  ),
  message: Buffer.from('sample'),
  signature: hex(
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
      'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ),
}
