// The same gateway on NestJS 12, socket.io 4 and @socket.io/redis-adapter.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';

const JOIN_MSG = process.env.JOIN_MSG !== '0';

@WebSocketGateway({ namespace: 'chat' })
export class ChatGateway {
  @WebSocketServer() server: any;

  handleConnection(client: any) {
    if (JOIN_MSG) this.server.emit('msgToClient', { name: 'admin', text: 'join chat.' });
  }
  @SubscribeMessage('msgToServer')
  handleMessage(client: any, payload: any): void {
    this.server.emit('msgToClient', payload);
  }
  @SubscribeMessage('echo')
  echo(client: any, payload: any) { return payload; }
  @SubscribeMessage('join')
  join(client: any, room: any) { client.join(room); return 'ok'; }
  @SubscribeMessage('roomMsg')
  roomMsg(client: any, payload: any): void {
    this.server.to(payload.room).emit('msgToClient', payload);
  }
}

@Module({ providers: [ChatGateway] })
class AppModule {}

class RedisIoAdapter extends IoAdapter {
  private ctor: any;
  async connect() {
    if (!process.env.REDIS_PORT) return;
    const pub = createClient({ socket: { host: process.env.REDIS_HOST || '127.0.0.1', port: +process.env.REDIS_PORT } });
    const sub = pub.duplicate();
    await Promise.all([pub.connect(), sub.connect()]);
    this.ctor = createAdapter(pub, sub);
  }
  createIOServer(port: number, options?: any): any {
    const server = super.createIOServer(port, options);
    if (this.ctor) server.adapter(this.ctor);
    return server;
  }
}

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  const ad = new RedisIoAdapter(app);
  await ad.connect();
  app.useWebSocketAdapter(ad);
  await app.listen(+(process.env.NODE_PORT || 3000), '127.0.0.1');
}
bootstrap();
