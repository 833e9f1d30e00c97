/** Domains where anybody can get an address (behaviours N3). */
export const publicMailDomains: ReadonlySet<string> = new Set([
  // Google, Microsoft, Yahoo, Apple, AOL
  'gmail.com', 'googlemail.com',
  'outlook.com', 'outlook.de', 'outlook.fr', 'outlook.es', 'outlook.it', 'outlook.jp', 'outlook.co.uk', 'outlook.com.au',
  'outlook.com.br', 'hotmail.com', 'hotmail.co.uk', 'hotmail.de', 'hotmail.fr', 'hotmail.es', 'hotmail.it', 'hotmail.be',
  'hotmail.nl', 'hotmail.se', 'hotmail.no', 'hotmail.dk', 'hotmail.ca', 'hotmail.com.br', 'hotmail.com.ar', 'live.com', 'live.co.uk',
  'live.de', 'live.fr', 'live.it', 'live.nl', 'live.be', 'live.se', 'live.dk', 'live.no', 'live.ca', 'live.com.au', 'msn.com',
  'passport.com', 'windowslive.com',
  'yahoo.com', 'yahoo.co.uk', 'yahoo.de', 'yahoo.fr', 'yahoo.es', 'yahoo.it', 'yahoo.co.jp', 'yahoo.co.in', 'yahoo.in',
  'yahoo.com.br', 'yahoo.com.ar', 'yahoo.com.mx', 'yahoo.com.au', 'yahoo.com.cn', 'yahoo.com.hk', 'yahoo.com.sg', 'yahoo.com.tw',
  'yahoo.com.ph', 'yahoo.com.vn', 'yahoo.ca', 'yahoo.gr', 'yahoo.ie', 'yahoo.no', 'yahoo.se', 'yahoo.dk', 'yahoo.pl', 'yahoo.ro',
  'ymail.com', 'rocketmail.com', 'myyahoo.com',
  'icloud.com', 'me.com', 'mac.com',
  'aol.com', 'aol.co.uk', 'aol.de', 'aol.fr', 'aim.com', 'verizon.net',
  // Independent and privacy services
  'proton.me', 'protonmail.com', 'protonmail.ch', 'pm.me', 'tutanota.com', 'tutanota.de', 'tutamail.com', 'tuta.io', 'tuta.com',
  'fastmail.com', 'fastmail.fm', 'hushmail.com', 'hush.com', 'zoho.com', 'zohomail.com', 'zohomail.eu', 'mail.com', 'email.com',
  'usa.com', 'gmx.com', 'gmx.net', 'gmx.de', 'gmx.at', 'gmx.ch', 'gmx.co.uk', 'gmx.us', 'gmx.fr', 'hey.com', 'duck.com', 'mailbox.org',
  'posteo.de', 'posteo.net', 'runbox.com', 'disroot.org', 'riseup.net', 'inbox.com', 'lycos.com', 'rediffmail.com', 'startmail.com',
  'mail.ru', 'inbox.ru', 'list.ru', 'bk.ru', 'internet.ru', 'yandex.ru', 'yandex.com', 'ya.ru', 'rambler.ru', 'ukr.net', 'i.ua',
  'qq.com', 'foxmail.com', '163.com', '126.com', 'yeah.net', 'sina.com', 'sina.cn', 'sohu.com', 'aliyun.com', '139.com', '189.cn',
  'naver.com', 'hanmail.net', 'daum.net', 'nate.com', 'kakao.com', 'docomo.ne.jp', 'ezweb.ne.jp', 'softbank.ne.jp',
  // Internet access providers
  'web.de', 'freenet.de', 't-online.de', 'arcor.de', '1und1.de', 'bluewin.ch', 'hispeed.ch', 'aon.at', 'chello.at',
  'orange.fr', 'wanadoo.fr', 'free.fr', 'laposte.net', 'sfr.fr', 'neuf.fr', 'bbox.fr', 'numericable.fr',
  'libero.it', 'virgilio.it', 'alice.it', 'tin.it', 'tiscali.it', 'tim.it', 'fastwebnet.it',
  'telefonica.net', 'terra.es', 'ono.com', 'sapo.pt', 'mail.pt',
  'btinternet.com', 'btopenworld.com', 'talktalk.net', 'ntlworld.com', 'virginmedia.com', 'blueyonder.co.uk', 'sky.com', 'o2.co.uk', 'tiscali.co.uk',
  'ziggo.nl', 'kpnmail.nl', 'planet.nl', 'home.nl', 'xs4all.nl', 'hetnet.nl', 'casema.nl', 'telenet.be', 'skynet.be', 'proximus.be',
  'telia.com', 'comhem.se', 'spray.se', 'online.no', 'mail.dk', 'kolumbus.fi', 'luukku.com',
  'wp.pl', 'o2.pl', 'onet.pl', 'onet.eu', 'interia.pl', 'interia.eu', 'op.pl', 'tlen.pl', 'gazeta.pl', 'seznam.cz', 'centrum.cz',
  'email.cz', 'post.cz', 'volny.cz', 'azet.sk', 'zoznam.sk', 'freemail.hu', 'citromail.hu', 'abv.bg', 'mail.bg', 'otenet.gr',
  'comcast.net', 'xfinity.com', 'att.net', 'sbcglobal.net', 'bellsouth.net', 'cox.net', 'charter.net', 'spectrum.net',
  'earthlink.net', 'juno.com', 'netzero.net', 'optonline.net', 'frontier.com', 'windstream.net', 'centurylink.net', 'roadrunner.com',
  'rogers.com', 'bell.net', 'sympatico.ca', 'shaw.ca', 'telus.net', 'videotron.ca',
  'bigpond.com', 'bigpond.net.au', 'optusnet.com.au', 'iinet.net.au', 'xtra.co.nz',
  'uol.com.br', 'bol.com.br', 'terra.com.br', 'globo.com', 'ig.com.br', 'walla.co.il', 'walla.com', 'bezeqint.net', 'netvision.net.il',
  // Throw-away addresses
  'mailinator.com', 'guerrillamail.com', '10minutemail.com', 'yopmail.com', 'temp-mail.org', 'trashmail.com', 'getnada.com', 'sharklasers.com'
])
