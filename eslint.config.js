import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['node_modules', '.tap', 'coverage', 'data'] }),
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error'
    }
  },
  {
    // What reads XML in two ways is how most holes in SAML began (behaviours S6): one parser, and one place that uses it.
    files: ['src/**/*.ts'],
    ignores: ['src/connections/saml/document.ts'],
    rules: {
      'no-restricted-imports': ['error', {
        patterns: [{
          group: ['@xmldom/*', 'xmldom', 'xpath', 'xml2js', 'xml-encryption', 'fast-xml-parser', 'sax', 'saxes', 'htmlparser2', 'libxmljs*', 'jsdom', 'linkedom'],
          message: 'XML is read by readXml of src/connections/saml/document.ts alone.'
        }]
      }]
    }
  }
]
